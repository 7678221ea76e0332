import type { Coverage } from '../../../src/inspector/api';
import { Section } from '../parts/small';
import { counted, percent } from '../text/format';

const LOW_PERCENT = 80;

const KINDS = [
  {
    field: 'withSession',
    title: 'Session',
    hint: 'Set session.id on the root span, or on the resource of a program that serves one session: Langfuse groups traces by it.',
  },
  {
    field: 'withUser',
    title: 'User',
    hint: 'Set user.id on the root span; the gateway hands it down to the spans of its trace.',
  },
] as const;

export function CoverageSection({ coverage }: { coverage: Coverage }) {
  const note = <span class="note">{counted(coverage.spans, 'span')} in the last 15 minutes</span>;
  return (
    <Section id="coverage" title="Session and user" note={note}>
      {coverage.spans === 0 ? (
        <p class="muted">No spans in the last 15 minutes.</p>
      ) : (
        <div class="coverage">
          {KINDS.map(({ field, title, hint }) => (
            <Meter key={field} title={title} value={percent(coverage[field], coverage.spans)} hint={hint} />
          ))}
        </div>
      )}
    </Section>
  );
}

function Meter({ title, value, hint }: { title: string; value: number; hint: string }) {
  const isLow = value < LOW_PERCENT;
  return (
    <div data-low={isLow}>
      <div class="coverage-head">
        <span>{title}</span>
        <span class="coverage-value">{value} %</span>
      </div>
      <div
        class="meter"
        role="meter"
        aria-label={`Spans with a ${title.toLowerCase()}`}
        aria-valuenow={value}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuetext={`${value} %`}
      >
        <div style={{ width: `${value}%` }} />
      </div>
      {isLow && <p class="hint">{hint}</p>}
    </div>
  );
}
