import type { Overview, Totals } from '../../../src/inspector/api';
import { Section, Time } from '../parts/small';
import { bytes, counted, grouped } from '../text/format';

const IN = [
  ['accepted', 'accepted'],
  ['recovered', 'recovered'],
  ['replayed', 'replayed'],
] as const;
const OUT = [
  ['delivered', 'delivered'],
  ['deadLettered', 'dead-lettered'],
  ['queued', 'queued'],
] as const;

function Terms({ totals, terms }: { totals: Totals; terms: typeof IN | typeof OUT }) {
  return (
    <>
      {terms.map(([field, word], index) => (
        <span key={field} class="term">
          {index > 0 && <span class="operator">+</span>}
          <strong>{grouped(totals[field])}</strong> {word}
        </span>
      ))}
    </>
  );
}

function modeText({ mode, kept }: Overview): string {
  if (mode === 'off') return 'Nothing is kept to be looked at: inspector: off.';
  const what =
    mode === 'full'
      ? `Prompts are kept in memory, up to ${bytes(kept.bytesMax)}`
      : `Spans are kept in memory without prompts, up to ${bytes(kept.bytesMax)}: inspector: metadata`;
  return `${what}. Now ${counted(kept.spans, 'span')} of ${counted(kept.traces, 'trace')}, ${bytes(kept.bytes)}.`;
}

export function TotalsSection({ overview }: { overview: Overview }) {
  const { totals } = overview;
  const note = (
    <span class="note">
      since <Time iso={overview.startedAt} as="minute" />
    </span>
  );
  return (
    <Section id="totals" title="Every span accounted for" note={note}>
      <p class="totals">
        <Terms totals={totals} terms={IN} />
        <span class="term">
          <span class="operator">=</span>
        </span>
        <Terms totals={totals} terms={OUT} />
      </p>
      <p class="muted">
        {counted(totals.rejected, 'span was', 'spans were')} rejected at the door
        {totals.rejected > 0 && (
          <>
            : <a href="#/trouble">why</a>
          </>
        )}
        .
      </p>
      <p class="muted" data-mode={overview.mode}>
        {modeText(overview)}
      </p>
    </Section>
  );
}
