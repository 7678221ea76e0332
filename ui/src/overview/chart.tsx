import { rate } from '../text/format';

const WIDTH = 300;
const HEIGHT = 56;

export interface Series {
  readonly id: string;
  readonly title: string;
  /** Oldest first, in the unit that is shown. */
  readonly values: readonly number[];
  /** How many values the width is for: soon after a start there are fewer. */
  readonly slots: number;
  readonly unit: 'per second' | 'spans';
}

/** Steps, because each value stands for a stretch of time and not for a moment; the newest is at the right edge. */
function outline(values: readonly number[], slots: number, peak: number): { line: string; start: number } {
  const step = WIDTH / Math.max(slots, values.length, 1);
  const start = WIDTH - values.length * step;
  const y = (value: number) => (HEIGHT - 1 - (peak === 0 ? 0 : (value / peak) * (HEIGHT - 4))).toFixed(1);
  const parts = values.map((value, index) => {
    const rise = index === 0 ? `M${start.toFixed(1)} ${y(value)}` : `V${y(value)}`;
    return `${rise}H${(start + (index + 1) * step).toFixed(1)}`;
  });
  return { line: parts.join(''), start };
}

export function Chart({ series }: { series: Series }) {
  const { id, title, values, slots, unit } = series;
  const now = values.at(-1) ?? 0;
  const peak = Math.max(0, ...values);
  const { line, start } = outline(values, slots, peak);
  const text = `${title}: ${rate(now)} ${unit} now, at most ${rate(peak)} in the last 15 minutes`;
  return (
    <figure class="chart" data-series={id}>
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-now">
          {rate(now)} <small>{unit === 'per second' ? '/s' : 'spans'}</small>
        </span>
        <span class="chart-peak">peak {rate(peak)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={text}>
        <title>{text}</title>
        {line !== '' && <path class="area" d={`${line}V${HEIGHT}H${start.toFixed(1)}Z`} />}
        <path class="line" d={line} />
      </svg>
    </figure>
  );
}
