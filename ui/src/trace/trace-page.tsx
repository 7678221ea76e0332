import { useCallback, useEffect } from 'preact/hooks';
import type { InspectorMode } from '../../../src/inspector/api';
import { NARROW, useMedia } from '../net/use-media';
import { Empty, Problem } from '../parts/small';
import { go, traceHref } from '../route';
import { SpanPane } from '../span/span-pane';
import { TraceHeader } from './trace-header';
import { TreeView } from './tree-view';
import { useTree } from './use-tree';

export function TracePage(props: { traceId: string; spanId: string | null; mode: InspectorMode | null }) {
  const { traceId, spanId } = props;
  const { trace, rows, problem, version, live } = useTree(traceId);
  const isNarrow = useMedia(NARROW);
  const selected = spanId ?? (isNarrow ? null : (rows?.[0]?.spanId ?? null));
  const onSelect = useCallback((next: string) => go(traceHref(traceId, next)), [traceId]);
  useEffect(() => {
    document.title = `${trace?.name ?? 'Trace'} · langfuse-otlp-gateway`;
  }, [trace?.name]);
  const isDetailAlone = isNarrow && spanId !== null;
  return (
    <div class="page trace-page">
      {isDetailAlone && <h1 class="visually-hidden">{trace?.name ?? 'Trace'}</h1>}
      {!isDetailAlone && <TraceHeader traceId={traceId} trace={trace} live={live} />}
      <Problem text={problem} />
      {rows === null && problem === null && <p class="muted">Asking the gateway…</p>}
      {rows?.length === 0 && (
        <Empty title={props.mode === 'off' ? 'Traces are not kept: inspector: off.' : 'Nothing of this trace is kept.'}>
          <p>
            If spans of it were rejected, <a href="#/trouble">Trouble</a> says why.
          </p>
        </Empty>
      )}
      {rows !== null && rows.length > 0 && (
        <div class="panes">
          {!isDetailAlone && (
            <TreeView rows={rows} durationMs={trace?.durationMs ?? 0} selected={selected} onSelect={onSelect} />
          )}
          {selected !== null && (
            <SpanPane
              traceId={traceId}
              spanId={selected}
              version={version}
              back={isNarrow ? traceHref(traceId) : null}
            />
          )}
        </div>
      )}
    </div>
  );
}
