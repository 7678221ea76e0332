import type { TraceSummary } from '../../../src/inspector/api';
import { memo } from '../parts/memo';
import { Amount, CountBadge, Cut, Time } from '../parts/small';
import { TypeMark } from '../parts/type-mark';
import { traceHref } from '../route';
import { duration } from '../text/format';

/** As many as there is room for; all of them are in the title. */
function Types({ types }: { types: TraceSummary['types'] }) {
  const entries = Object.entries(types).sort(([, a], [, b]) => b - a);
  return (
    <span class="types" title={entries.map(([type, count]) => `${count} × ${type}`).join('\n')}>
      {entries.map(([type, count]) => (
        <TypeMark key={type} type={type} count={count} />
      ))}
    </span>
  );
}

function Optional({ text }: { text: string | null }) {
  return text === null || text === '' ? <span class="muted">–</span> : <Cut text={text} />;
}

export const COLUMNS = [
  { id: 'time', title: 'Start' },
  { id: 'name', title: 'Name' },
  { id: 'duration', title: 'Duration' },
  { id: 'types', title: 'Observations' },
  { id: 'tokens', title: 'Tokens' },
  { id: 'cost', title: 'Cost' },
  { id: 'session', title: 'Session' },
  { id: 'user', title: 'User' },
  { id: 'service', title: 'Service' },
  { id: 'badges', title: 'Notes' },
] as const;

interface RowProps {
  readonly trace: TraceSummary;
  readonly index: number;
  readonly top: string;
  readonly height: string;
}

function Row({ trace, index, top, height }: RowProps) {
  const name = trace.name ?? 'without a name';
  return (
    <div class="trace-row" role="row" aria-rowindex={index + 2} style={{ top, height }}>
      <span class="c-time" role="cell">
        <Time iso={trace.startTime} />
      </span>
      <span class="c-name" role="cell">
        <a href={traceHref(trace.traceId)} title={`${name}\n${trace.traceId}`}>
          {name}
        </a>
      </span>
      <span class="c-duration number" role="cell">
        {duration(trace.durationMs)}
      </span>
      <span class="c-types" role="cell">
        <Types types={trace.types} />
      </span>
      <span class="c-tokens number" role="cell">
        <Amount value={trace.tokens} as="tokens" />
      </span>
      <span class="c-cost number" role="cell">
        <Amount value={trace.cost} as="cost" />
      </span>
      <span class="c-session" role="cell">
        <Optional text={trace.sessionId} />
      </span>
      <span class="c-user" role="cell">
        <Optional text={trace.userId} />
      </span>
      <span class="c-service" role="cell">
        <Optional text={trace.services.join(', ')} />
      </span>
      <span class="c-badges" role="cell">
        <CountBadge kind="error" count={trace.errors} />
        <CountBadge kind="rejected" count={trace.rejected} />
        <CountBadge kind="warning" count={trace.warnings} />
        <CountBadge kind="repair" count={trace.repairs} />
      </span>
    </div>
  );
}

export const TraceRow = memo(Row);
