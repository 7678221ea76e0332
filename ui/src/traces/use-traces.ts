import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TraceList, TraceSummary, TracesEvent } from '../../../src/inspector/api';
import { getJson, problemOf, RequestError } from '../net/request';
import { throttled } from '../net/throttle';
import { filterQuery, type TraceFilter } from '../route';
import { mergeOnTop } from './merge';

const PAGE = 100;
/** For the gateway a list is more work than the events: it reads all that came. */
const REFETCH_MS = 5_000;
const RETRY_MS = 3_000;

interface Listing {
  readonly traces: readonly TraceSummary[];
  readonly next: string | null;
}

/** The list as it was left, for who comes back to it. */
let left: { readonly query: string; readonly listing: Listing } | null = null;

export interface Traces {
  /** Null until the first answer. */
  readonly traces: readonly TraceSummary[] | null;
  readonly hasMore: boolean;
  readonly isLoading: boolean;
  readonly problem: string | null;
  readonly loadMore: () => void;
  /** Takes in what an event tells. */
  readonly take: (event: TracesEvent) => void;
}

export function useTraces(filter: TraceFilter): Traces {
  const query = filterQuery(filter).toString();
  const [listing, setListing] = useState<Listing | null>(() => (left?.query === query ? left.listing : null));
  const [isLoading, setLoading] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const current = useRef({ listing, isLoading, query });
  current.current = { listing, isLoading, query };

  const load = useCallback(async (mode: 'fresh' | 'top' | 'more') => {
    const { query: asked, listing: before } = current.current;
    const cursor = mode === 'more' ? before?.next : null;
    setLoading(true);
    try {
      const page = await getJson<TraceList>(pathOf(asked, cursor ?? null));
      if (current.current.query !== asked) return;
      setListing((old) => joined(mode, old, page));
      setProblem(null);
    } catch (error) {
      if (current.current.query !== asked) return;
      // That the gateway cannot be reached is said by the banner, and tried again.
      if (error instanceof RequestError && error.status === null) window.setTimeout(() => retry(asked, mode), RETRY_MS);
      setProblem(problemOf(error));
    } finally {
      setLoading(false);
    }
  }, []);
  const retry = useCallback((asked: string, mode: 'fresh' | 'top' | 'more') => {
    if (current.current.query === asked && mode !== 'more') void load(mode);
  }, []);

  useEffect(() => {
    const before = left?.query === query ? left.listing : null;
    setListing(before);
    setProblem(null);
    void load(before === null ? 'fresh' : 'top');
    return () => {
      const { listing: last } = current.current;
      left = last === null ? null : { query, listing: last };
    };
  }, [query]);

  const refetch = useMemo(() => throttled(() => void load('top'), REFETCH_MS), []);
  useEffect(() => refetch.stop, []);
  const take = useCallback((event: TracesEvent) => {
    if (event.isCut || current.current.query !== '') refetch.call();
    else if (event.traces.length > 0) {
      setListing((old) => (old === null ? old : { ...old, traces: mergeOnTop(old.traces, event.traces) }));
    }
  }, []);
  const loadMore = useCallback(() => {
    const { listing: now, isLoading: isBusy } = current.current;
    if (!isBusy && now !== null && now.next !== null) void load('more');
  }, []);
  return {
    traces: listing?.traces ?? null,
    hasMore: listing !== null && listing.next !== null,
    isLoading,
    problem,
    loadMore,
    take,
  };
}

function pathOf(query: string, before: string | null): string {
  const parameters = new URLSearchParams(query);
  parameters.set('limit', String(PAGE));
  if (before !== null) parameters.set('before', before);
  return `/api/traces?${parameters}`;
}

function joined(mode: 'fresh' | 'top' | 'more', old: Listing | null, page: TraceList): Listing {
  if (old === null || mode === 'fresh') return page;
  const overlaps =
    page.next === null || page.traces.some(({ traceId }) => old.traces.some((one) => one.traceId === traceId));
  // So much is new that a page does not reach what was there: joined, there would be a gap between them.
  if (mode === 'top' && !overlaps) return page;
  if (mode === 'top')
    return { traces: mergeOnTop(old.traces, page.traces), next: old.traces.length === 0 ? page.next : old.next };
  const known = new Set(old.traces.map(({ traceId }) => traceId));
  return { traces: [...old.traces, ...page.traces.filter(({ traceId }) => !known.has(traceId))], next: page.next };
}
