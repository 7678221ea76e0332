import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Overview, TraceSummary, TracesEvent } from '../../../src/inspector/api';
import { type LiveState, useLive } from '../net/live';
import { NARROW, useMedia } from '../net/use-media';
import { PauseIcon, PlayIcon } from '../parts/icons';
import { Empty, Problem } from '../parts/small';
import { VirtualList } from '../parts/virtual-list';
import { replaceRoute, type TraceFilter, tracesHref } from '../route';
import { counted, grouped } from '../text/format';
import { Filters, isFiltered } from './filters';
import { COLUMNS, TraceRow } from './trace-row';
import { useTraces } from './use-traces';

const ROW_PX = 38;
const CARD_PX = 68;

const LIVE_WORDS: Readonly<Record<LiveState, string>> = {
  connecting: 'connecting…',
  live: 'live',
  reconnecting: 'reconnecting…',
};

/** While paused, what comes is only counted; resuming asks for what is there then. */
function usePausable(take: (event: TracesEvent) => void) {
  const [isPaused, setPaused] = useState(false);
  const [missed, setMissed] = useState<ReadonlySet<string>>(new Set());
  const state = useLive((event) => {
    if (!isPaused) take(event);
    else setMissed((old) => new Set([...old, ...event.traces.map(({ traceId }) => traceId)]));
  });
  const toggle = () => {
    if (isPaused) take({ traces: [], isCut: true });
    setMissed(new Set());
    setPaused(!isPaused);
  };
  return { state, isPaused, missed: missed.size, toggle };
}

type Pausable = ReturnType<typeof usePausable>;

function LiveControl({ state, isPaused, missed, toggle }: Pausable) {
  return (
    <div class="live">
      <span class="live-state" data-state={isPaused ? 'paused' : state} role="status">
        <span class="dot" aria-hidden="true" />
        {isPaused ? 'paused' : LIVE_WORDS[state]}
      </span>
      <button type="button" class="button" onClick={toggle}>
        {isPaused ? <PlayIcon /> : <PauseIcon />}
        {isPaused ? `Resume${missed > 0 ? ` (${grouped(missed)} new)` : ''}` : 'Pause'}
      </button>
    </div>
  );
}

const keyOf = ({ traceId }: TraceSummary): string => traceId;

/** Where the list was scrolled to when it was left, for who comes back to it by the same address. */
const leftAt = { hash: '', top: 0 };

function useLeftAt(box: { readonly current: HTMLDivElement | null }): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const { hash } = location;
    if (leftAt.hash === hash) element.scrollTop = leftAt.top;
    const remember = () => Object.assign(leftAt, { hash, top: element.scrollTop });
    element.addEventListener('scroll', remember, { passive: true });
    return () => element.removeEventListener('scroll', remember);
  }, [box]);
}

function Table(props: {
  traces: readonly TraceSummary[];
  hasMore: boolean;
  isWaiting: boolean;
  onNearEnd: () => void;
}) {
  const isNarrow = useMedia(NARROW);
  const box = useRef<HTMLDivElement>(null);
  useLeftAt(box);
  return (
    <div
      class="trace-table"
      role="table"
      aria-label="Traces"
      aria-rowcount={props.hasMore ? -1 : props.traces.length + 1}
    >
      <div class="trace-heads" role="rowgroup">
        <div class="trace-row heads" role="row" aria-rowindex={1}>
          {COLUMNS.map(({ id, title }) => (
            <span key={id} class={`c-${id}`} role="columnheader">
              {title}
            </span>
          ))}
        </div>
      </div>
      <VirtualList
        items={props.traces}
        keyOf={keyOf}
        rowHeight={isNarrow ? CARD_PX : ROW_PX}
        box={box}
        class="trace-rows"
        role="rowgroup"
        isAnchored
        onNearEnd={props.onNearEnd}
        isWaiting={props.isWaiting}
        draw={(trace, index, top, height) => (
          <TraceRow key={trace.traceId} trace={trace} index={index} top={top} height={height} />
        )}
      />
    </div>
  );
}

function Nothing({ filter, isOff }: { filter: TraceFilter; isOff: boolean }) {
  if (isOff) return <Empty title="Traces are not kept: inspector: off." />;
  if (isFiltered(filter)) return <Empty title="No trace matches these filters." />;
  return (
    <Empty title="No traces yet.">
      <p>
        The <a href="#/">overview</a> says how to send one. It appears here by itself.
      </p>
    </Empty>
  );
}

export function TracesPage({ filter, overview }: { filter: TraceFilter; overview: Overview | null }) {
  const { traces, hasMore, isLoading, problem, loadMore, take } = useTraces(filter);
  const pausable = usePausable(take);
  const services = [...new Set((overview?.clients ?? []).flatMap(({ service }) => service ?? []))].sort();
  const onFilter = useCallback((next: TraceFilter) => replaceRoute(tracesHref(next)), []);
  return (
    <div class="page traces-page">
      <div class="page-head">
        <h1>Traces</h1>
        <span class="note" role="status">
          {traces !== null && `${counted(traces.length, 'trace')}${hasMore ? ', more below' : ''}`}
        </span>
        <LiveControl {...pausable} />
      </div>
      <Filters filter={filter} services={services} onChange={onFilter} />
      <Problem text={problem} />
      {traces === null && problem === null && <p class="muted">Asking the gateway…</p>}
      {traces?.length === 0 && <Nothing filter={filter} isOff={overview?.mode === 'off'} />}
      {traces !== null && traces.length > 0 && (
        // After a failure only the button asks again.
        <Table traces={traces} hasMore={hasMore} isWaiting={isLoading || problem !== null} onNearEnd={loadMore} />
      )}
      {hasMore && (
        <button type="button" class="button load-more" disabled={isLoading} onClick={loadMore}>
          {isLoading ? 'Loading…' : 'Load more'}
        </button>
      )}
    </div>
  );
}
