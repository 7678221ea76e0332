import { JsonFault } from './json-fault';
import { exactInteger, isUint64 } from './json-numbers';
import type { JsonScanner } from './json-scanner';

const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;

/** ISO 8601 as JavaScript writes a Date, or as OpenTelemetry writes an HrTime, which has nine digits of a second. */
const ISO = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/**
 * A point in time, in nanoseconds since 1970: `[seconds, nanoseconds]` (HrTime), milliseconds as a number, or ISO 8601
 * (a Date in JSON): OpenTelemetry's TimeInput. 0 is one that says nothing. No such time: JsonFault.
 */
export function readTime(scanner: JsonScanner): bigint {
  const ns = scanner.next() === 'string' ? isoTime(scanner.string()) : readSpell(scanner);
  if (ns === undefined || !isUint64(ns)) throw new JsonFault('invalid_field', 'is not a time: [seconds, nanoseconds]');
  return ns;
}

/** How long something took, in nanoseconds: `[seconds, nanoseconds]`, or milliseconds as a number. It may be negative. */
export function readDuration(scanner: JsonScanner): bigint {
  const ns = readSpell(scanner);
  if (ns === undefined) throw notADuration();
  return ns;
}

export const notADuration = () => new JsonFault('invalid_field', 'is not a duration: [seconds, nanoseconds]');

function readSpell(scanner: JsonScanner): bigint | undefined {
  const type = scanner.next();
  if (type === 'number') return ofMilliseconds(Number(scanner.number()));
  return type === 'array' ? readHrTime(scanner) : undefined;
}

function readHrTime(scanner: JsonScanner): bigint | undefined {
  const parts: (bigint | undefined)[] = [];
  for (const index of scanner.elements()) {
    if (index > 1 || scanner.next() !== 'number') return undefined;
    parts.push(exactInteger(scanner.number()));
  }
  const [seconds, nanoseconds] = parts;
  return seconds === undefined || nanoseconds === undefined ? undefined : seconds * NS_PER_S + nanoseconds;
}

/** To the nanosecond, as far as a double can tell it. */
function ofMilliseconds(ms: number): bigint | undefined {
  if (!Number.isFinite(ms)) return undefined;
  const whole = Math.trunc(ms);
  return BigInt(whole) * NS_PER_MS + BigInt(Math.round((ms - whole) * Number(NS_PER_MS)));
}

function isoTime(text: string): bigint | undefined {
  const [, date, time, fraction = '', zone] = ISO.exec(text) ?? [];
  const ms = Date.parse(`${date}T${time}Z`);
  // 30 February is read as 2 March.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(`${date}`)) return undefined;
  const zoned = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(zoned) ? undefined : BigInt(zoned) * NS_PER_MS + BigInt(fraction.padEnd(9, '0'));
}
