import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TraceSummary, TraceTree, TreeRow } from '../../../src/inspector/api';
import { type LiveState, useLive } from '../net/live';
import { getJson, problemOf, RequestError } from '../net/request';
import { throttled } from '../net/throttle';

const RELOAD_MS = 1_000;
const RETRY_MS = 3_000;

export interface Tree {
  readonly trace: TraceSummary | null;
  /** Null until the first answer. */
  readonly rows: readonly TreeRow[] | null;
  readonly problem: string | null;
  /** Goes up with each answer, for what is shown beside the tree. */
  readonly version: number;
  readonly live: LiveState;
}

type State = Omit<Tree, 'live'>;

const NOTHING: State = { trace: null, rows: null, problem: null, version: 0 };

/** The whole tree, page after page, and again when an event names the trace. */
export function useTree(traceId: string): Tree {
  const [state, setState] = useState<State>(NOTHING);
  const run = useRef(0);
  const load = useCallback(async () => {
    run.current += 1;
    const mine = run.current;
    const isMine = () => run.current === mine;
    try {
      await readPages(traceId, isMine, (part) =>
        setState((old) => ({ ...old, ...part, problem: null, version: old.version + 1 })),
      );
    } catch (error) {
      if (!isMine()) return;
      if (error instanceof RequestError && error.status === null)
        window.setTimeout(() => isMine() && void load(), RETRY_MS);
      setState((old) => ({ ...old, problem: wordsOf(error) }));
    }
  }, [traceId]);
  const reload = useMemo(() => throttled(() => void load(), RELOAD_MS), [load]);
  useEffect(() => {
    void load();
    return () => {
      run.current += 1;
      reload.stop();
    };
  }, [load, reload]);
  const live = useLive(({ traces, isCut }) => {
    if (isCut || traces.some((trace) => trace.traceId === traceId)) reload.call();
  });
  return { ...state, live };
}

type Part = Pick<State, 'trace' | 'rows'>;

/** The whole replaces the whole, so that no row disappears and comes back while pages are read. */
async function readPages(traceId: string, isWanted: () => boolean, show: (part: Part) => void): Promise<void> {
  const path = `/api/traces/${encodeURIComponent(traceId)}/tree`;
  const rows: TreeRow[] = [];
  let after: string | null = null;
  do {
    const page: TraceTree = await getJson(after === null ? path : `${path}?after=${encodeURIComponent(after)}`);
    if (!isWanted()) return;
    for (const row of page.rows) rows.push(row);
    after = page.next;
    if (after === null) show({ trace: page.trace, rows });
  } while (after !== null);
}

function wordsOf(error: unknown): string | null {
  if (error instanceof RequestError && error.status === 404) return 'This trace is not kept (any more).';
  return problemOf(error);
}
