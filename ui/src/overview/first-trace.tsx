import { useState } from 'preact/hooks';
import type { TraceSummary } from '../../../src/inspector/api';
import { useLive } from '../net/live';
import { Snippet } from '../parts/copy';
import { traceHref } from '../route';
import { curlLine, KEY, langfuseLines, openTelemetryLines } from './snippets';

/** What stands here first of all as long as nobody has sent anything. */
export function FirstTrace(props: {
  receiverUrl: string;
  wantsKey: boolean;
  isEmpty: boolean;
  firstTrace: TraceSummary | null;
}) {
  const { receiverUrl, wantsKey, isEmpty } = props;
  const [arrived, setArrived] = useState<TraceSummary | null>(null);
  useLive(({ traces }) => setArrived((before) => before ?? traces.at(-1) ?? null));
  const trace = arrived ?? props.firstTrace;
  const hasArrived = trace !== null || !isEmpty;
  return (
    <section class="section first" aria-labelledby="first-trace">
      <h2 id="first-trace">{hasArrived ? 'Your first trace is here' : 'Send a first trace'}</h2>
      <p class="first-status" role="status">
        {!hasArrived && (
          <>
            <span class="pulse" aria-hidden="true" /> waiting for spans…
          </>
        )}
        {hasArrived && trace !== null && (
          <a class="button primary" href={traceHref(trace.traceId)}>
            Open {trace.name ?? 'the trace'}
          </a>
        )}
        {hasArrived && trace === null && 'Spans have arrived.'}
      </p>
      {!hasArrived && <Ways url={receiverUrl} wantsKey={wantsKey} />}
    </section>
  );
}

function Ways({ url, wantsKey }: { url: string; wantsKey: boolean }) {
  return (
    <>
      {wantsKey && (
        <p>
          This gateway wants a key: put yours in the place of <code>{KEY}</code>.
        </p>
      )}
      <ol class="ways">
        <li>
          <h3>From a terminal</h3>
          <Snippet text={curlLine(url, wantsKey)} what="the curl command" />
        </li>
        <li>
          <h3>From an OpenTelemetry SDK, in any language</h3>
          <Snippet text={openTelemetryLines(url, wantsKey)} what="the OpenTelemetry settings" />
        </li>
        <li>
          <h3>From a Langfuse SDK</h3>
          <Snippet text={langfuseLines(url, wantsKey)} what="the Langfuse setting" />
        </li>
      </ol>
    </>
  );
}
