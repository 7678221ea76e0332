import { useEffect, useRef } from 'preact/hooks';
import type { TracesEvent } from '../../../src/inspector/api';
import { createStore } from './store';
import { useStore } from './use-store';

export type LiveState = 'connecting' | 'live' | 'reconnecting';

const RETRY_MS = 3_000;

const state = createStore<LiveState>('connecting');
const listeners = new Set<(event: TracesEvent) => void>();
let source: EventSource | null = null;
let retry: number | undefined;

/** What happened before there was a connection is not told later: what is shown is to be asked for again. */
const MISSED: TracesEvent = { traces: [], isCut: true };

function open(): void {
  source = new EventSource('api/events');
  source.addEventListener('open', () => {
    state.set('live');
    tell(MISSED);
  });
  source.addEventListener('traces', (message) => tell(JSON.parse(message.data) as TracesEvent));
  source.addEventListener('error', () => {
    state.set('reconnecting');
    // An answer that is no event stream ends the EventSource for good.
    if (source?.readyState !== EventSource.CLOSED) return;
    source = null;
    retry = window.setTimeout(() => {
      retry = undefined;
      open();
    }, RETRY_MS);
  });
}

function tell(event: TracesEvent): void {
  for (const listener of [...listeners]) listener(event);
}

function listen(listener: (event: TracesEvent) => void): () => void {
  listeners.add(listener);
  if (source === null && retry === undefined) open();
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    window.clearTimeout(retry);
    retry = undefined;
    source?.close();
    source = null;
    state.set('connecting');
  };
}

/** One connection for all who listen. */
export function useLive(onEvent: (event: TracesEvent) => void): LiveState {
  const latest = useRef(onEvent);
  latest.current = onEvent;
  useEffect(() => listen((event) => latest.current(event)), []);
  return useStore(state);
}
