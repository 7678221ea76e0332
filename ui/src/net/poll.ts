import { useEffect, useMemo } from 'preact/hooks';
import { getJson, problemOf } from './request';
import { createStore, type Store } from './store';
import { useStore } from './use-store';

export interface Polled<T> {
  /** What was answered last, also while the gateway does not answer. */
  readonly data: T | null;
  readonly problem: string | null;
}

interface Poller<T> {
  readonly state: Store<Polled<T>>;
  readonly refresh: () => void;
  /** Asks at this pace as long as it is wanted. Returns how to stop. */
  readonly want: (everyMs: number) => () => void;
}

const pollers = new Map<string, Poller<unknown>>();

function createPoller(path: string): Poller<unknown> {
  const state = createStore<Polled<unknown>>({ data: null, problem: null });
  const paces: number[] = [];
  let timer: number | undefined;
  let isAsking = false;

  const plan = () => {
    window.clearTimeout(timer);
    if (paces.length > 0 && !document.hidden) timer = window.setTimeout(ask, Math.min(...paces));
  };
  const ask = async () => {
    if (isAsking) return;
    isAsking = true;
    try {
      state.set({ data: await getJson(path), problem: null });
    } catch (error) {
      state.set({ data: state.get().data, problem: problemOf(error) });
    } finally {
      isAsking = false;
      plan();
    }
  };
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) window.clearTimeout(timer);
    else if (paces.length > 0) void ask();
  });
  return {
    state,
    refresh: () => void ask(),
    want: (everyMs) => {
      paces.push(everyMs);
      void ask();
      return () => {
        paces.splice(paces.indexOf(everyMs), 1);
        plan();
      };
    },
  };
}

/** Asks for a path again and again while the page is seen; all who ask for one path share the answers. */
export function usePoll<T>(path: string, everyMs: number): Polled<T> & { readonly refresh: () => void } {
  const poller = useMemo(() => {
    const known = pollers.get(path) ?? createPoller(path);
    pollers.set(path, known);
    return known;
  }, [path]);
  useEffect(() => poller.want(everyMs), [poller, everyMs]);
  const { data, problem } = useStore(poller.state);
  return { data: data as T | null, problem, refresh: poller.refresh };
}
