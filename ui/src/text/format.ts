const GROUPED = new Intl.NumberFormat('en-US');
const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

export const grouped = (value: number): string => GROUPED.format(value);

/** For badges and narrow columns: 12.3K. The whole number belongs into a title beside it. */
export const compact = (value: number): string => (value < 10_000 ? grouped(value) : COMPACT.format(value));

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : many}`;

export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms < 0.995) return ms === 0 ? '0 ms' : `${ms.toFixed(2)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${grouped(Math.floor(minutes / 60))} h ${minutes % 60} m`;
}

export function dollars(value: number): string {
  if (value === 0) return '$0';
  const size = Math.abs(value);
  if (size < 0.000001) return value < 0 ? '>−$0.000001' : '<$0.000001';
  const sign = value < 0 ? '−' : '';
  if (size >= 999.995) return `${sign}$${GROUPED.format(Math.round(size))}`;
  if (size >= 0.99995) return `${sign}$${size.toFixed(2)}`;
  return `${sign}$${size.toFixed(size >= 0.0001 ? 4 : 6)}`;
}

export function bytes(count: number): string {
  if (count < 1024) return `${grouped(count)} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let value = count / 1024;
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function rate(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.1) return '<0.1';
  return perSecond < 9.95 ? perSecond.toFixed(1) : compact(Math.round(perSecond));
}

export const percent = (part: number, whole: number): number => (whole === 0 ? 0 : Math.floor((part * 100) / whole));

const isSameDay = (a: Date, b: Date): boolean => a.toDateString() === b.toDateString();

/** The local time; the day as well where it is not today. */
export function clock(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  return isSameDay(at, now) ? CLOCK.format(at) : `${DAY.format(at)} ${CLOCK.format(at)}`;
}

export function minuteClock(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  return isSameDay(at, now) ? MINUTE.format(at) : `${DAY.format(at)} ${MINUTE.format(at)}`;
}

export function preciseClock(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  return `${clock(iso)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

export function ago(iso: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return counted(Math.floor(seconds / 86_400), 'day').concat(' ago');
}
