import type { Flow } from '../../../src/inspector/api';
import { Section } from '../parts/small';
import { Chart, type Series } from './chart';

const RATES = [
  ['accepted', 'Accepted'],
  ['delivered', 'Delivered'],
  ['queued', 'Queued'],
  ['rejected', 'Rejected'],
  ['deadLettered', 'Dead-lettered'],
] as const;

const WHOLE_SECONDS = 900;

function seriesOf(flow: Flow): Series[] {
  const slots = Math.round(WHOLE_SECONDS / flow.stepSeconds);
  return RATES.map(([id, title]) => {
    if (id === 'queued') return { id, title, values: flow.queued, slots, unit: 'spans' };
    // The last step is not over: as a rate it would always look like a collapse.
    const values = flow[id].slice(0, -1).map((spans) => spans / flow.stepSeconds);
    return { id, title, values, slots: slots - 1, unit: 'per second' };
  });
}

export function FlowSection({ flow }: { flow: Flow }) {
  return (
    <Section id="flow" title="Flow" note={<span class="note">last 15 minutes</span>}>
      <div class="charts">
        {seriesOf(flow).map((series) => (
          <Chart key={series.id} series={series} />
        ))}
      </div>
    </Section>
  );
}
