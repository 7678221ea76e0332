import type { ComponentChildren } from 'preact';
import type { TraceSummary } from '../../../src/inspector/api';
import type { LiveState } from '../net/live';
import { CopyButton } from '../parts/copy';
import { BackIcon } from '../parts/icons';
import { Amount, CountBadge, Cut, Time } from '../parts/small';
import { TypeMark } from '../parts/type-mark';
import { tracesHref } from '../route';
import { counted, duration } from '../text/format';
import { lastTracesHref } from '../use-route';

function Fact({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Facts({ trace }: { trace: TraceSummary }) {
  const { sessionId, userId, services } = trace;
  return (
    <dl class="facts">
      <Fact title="Start">
        <Time iso={trace.startTime} as="millisecond" />
      </Fact>
      <Fact title="Duration">{duration(trace.durationMs)}</Fact>
      <Fact title="Observations">
        <span class="type-marks">
          {counted(trace.observations, 'observation')}
          {Object.entries(trace.types).map(([type, count]) => (
            <TypeMark key={type} type={type} count={count} />
          ))}
        </span>
      </Fact>
      <Fact title="Tokens">
        <Amount value={trace.tokens} as="tokens" />
      </Fact>
      <Fact title="Cost">
        <Amount value={trace.cost} as="cost" />
      </Fact>
      <Fact title="Session">
        {sessionId === null ? (
          'none'
        ) : (
          <a class="cut" href={tracesHref({ session: sessionId })} title={sessionId}>
            {sessionId}
          </a>
        )}
      </Fact>
      <Fact title="User">
        {userId === null ? (
          'none'
        ) : (
          <a class="cut" href={tracesHref({ user: userId })} title={userId}>
            {userId}
          </a>
        )}
      </Fact>
      {services.length > 0 && (
        <Fact title="Service">
          <Cut text={services.join(', ')} />
        </Fact>
      )}
    </dl>
  );
}

export function TraceHeader(props: { traceId: string; trace: TraceSummary | null; live: LiveState }) {
  const { traceId, trace } = props;
  return (
    <div class="trace-header">
      <div class="page-head">
        <a class="icon-button" href={lastTracesHref()} aria-label="Back to the traces" title="Back to the traces">
          <BackIcon />
        </a>
        <h1>
          <Cut text={trace === null ? 'Trace' : (trace.name ?? 'without a name')} />
        </h1>
        {trace !== null && (
          <span class="badges">
            <CountBadge kind="error" count={trace.errors} />
            <CountBadge kind="rejected" count={trace.rejected} />
            <CountBadge kind="warning" count={trace.warnings} />
            <CountBadge kind="repair" count={trace.repairs} />
          </span>
        )}
        <span class="trace-id">
          <code class="cut" title={traceId}>
            {traceId}
          </code>
          <CopyButton text={traceId} what="the trace id" />
        </span>
        {props.live === 'reconnecting' && <span class="note">reconnecting…</span>}
      </div>
      {trace !== null && <Facts trace={trace} />}
    </div>
  );
}
