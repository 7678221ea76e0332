import type { ComponentChildren } from 'preact';
import { clock, compact, dollars, grouped, minuteClock, preciseClock } from '../text/format';
import { ErrorIcon, OrphanIcon, RejectedIcon, RepairIcon, WarningIcon } from './icons';

type ClockKind = 'second' | 'minute' | 'millisecond';

const CLOCKS: Readonly<Record<ClockKind, (iso: string) => string>> = {
  second: (iso) => clock(iso),
  minute: (iso) => minuteClock(iso),
  millisecond: preciseClock,
};

export function Time({ iso, as = 'second' }: { iso: string; as?: ClockKind }) {
  return (
    <time dateTime={iso} title={iso}>
      {CLOCKS[as](iso)}
    </time>
  );
}

/** What may be too long for its place is cut by the style sheet, and whole in the title. */
export function Cut({ text, class: name = '' }: { text: string; class?: string }) {
  const shown = text.length <= CUT_SHOWN ? text : `${text.slice(0, CUT_SHOWN)}…`;
  return (
    <span class={`cut ${name}`} title={shown}>
      {shown}
    </span>
  );
}

/** No line is so long. */
const CUT_SHOWN = 1_000;

export type BadgeKind = 'warning' | 'repair' | 'rejected' | 'error' | 'orphan';

const ICONS = {
  warning: WarningIcon,
  repair: RepairIcon,
  rejected: RejectedIcon,
  error: ErrorIcon,
  orphan: OrphanIcon,
};
const WORDS: Readonly<Record<BadgeKind, string>> = {
  warning: 'warnings',
  repair: 'repairs',
  rejected: 'rejected spans',
  error: 'errors',
  orphan: 'Its parent is not here',
};

/** Nothing where there is nothing to count. */
export function CountBadge({ kind, count }: { kind: BadgeKind; count: number }) {
  if (count === 0) return null;
  const Icon = ICONS[kind];
  const label = kind === 'orphan' ? WORDS.orphan : `${grouped(count)} ${WORDS[kind]}`;
  return (
    <span class="badge" data-kind={kind} role="img" aria-label={label} title={label}>
      <Icon />
      <span aria-hidden="true">{kind === 'orphan' ? 'orphan' : compact(count)}</span>
    </span>
  );
}

export function LevelBadge({ level }: { level: string }) {
  if (level === 'DEFAULT') return null;
  return (
    <span class="badge level" data-level={level}>
      {level}
    </span>
  );
}

/** A number of a column; a dash where it is not known. */
export function Amount({ value, as }: { value: number | null; as: 'tokens' | 'cost' }) {
  if (value === null) {
    return (
      <span class="muted" role="img" aria-label="not known">
        –
      </span>
    );
  }
  const whole = as === 'cost' ? `$${value}` : grouped(value);
  return <span title={whole}>{as === 'cost' ? dollars(value) : compact(value)}</span>;
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>{title}</p>
      {children}
    </div>
  );
}

export function Problem({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p class="problem" role="alert">
      <ErrorIcon />
      {text}
    </p>
  );
}

export function Section(props: { id: string; title: string; note?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="section" aria-labelledby={props.id}>
      <div class="section-head">
        <h2 id={props.id} tabIndex={-1}>
          {props.title}
        </h2>
        {props.note}
      </div>
      {props.children}
    </section>
  );
}
