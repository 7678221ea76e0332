import type { HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { firstPresent } from './attribute-lookup';
import { parseJson, textOf } from './json';
import type { Attributes } from './span-reading';

export interface ObservationTimes {
  /** ISO 8601 with milliseconds; null where the span has neither time and Langfuse will put the time it reads it. */
  readonly startTime: string | null;
  readonly endTime: string | null;
  readonly completionStartTime: string | null;
}

/** Nanoseconds are cut to milliseconds; a missing edge is the other edge; an end before the start stays so. */
export function observationTimes(span: ReadableSpan, attributes: Attributes): ObservationTimes {
  const startMs = epochMs(span.startTime);
  const endMs = epochMs(span.endTime);
  return {
    startTime: iso(startMs ?? endMs),
    endTime: iso(endMs ?? startMs),
    completionStartTime: iso(completionStartMs(attributes, startMs ?? endMs)),
  };
}

/** A time of zero is one that was not sent: proto3 does not write it. */
function epochMs([seconds, nanos]: HrTime): number | null {
  return seconds === 0 && nanos === 0 ? null : seconds * 1000 + Math.floor(nanos / 1e6);
}

function completionStartMs(attributes: Attributes, startMs: number | null): number | null {
  const value = attributes.get('langfuse.observation.completion_start_time');
  // Older SDKs put the date in double quotes.
  for (const candidate of [value, parseJson(value)]) {
    const instantMs = instantOf(candidate);
    if (!Number.isNaN(instantMs)) return candidate ? instantMs : null;
  }
  const firstChunkMs = firstPresent(attributes, ['ai.response.msToFirstChunk', 'ai.stream.msToFirstChunk']);
  if (!firstChunkMs || startMs === null) return null;
  return startMs + Math.ceil(Number(firstChunkMs));
}

/** What `new Date` makes of it, in milliseconds, or NaN. */
function instantOf(value: unknown): number {
  if (value === undefined) return Number.NaN;
  if (value === null || typeof value === 'number' || typeof value === 'boolean')
    return new Date(Number(value)).getTime();
  return new Date(inUtc(textOf(value))).getTime();
}

/** JavaScript takes a date without zone as local time; Langfuse's servers run in UTC, the gateway may not. */
const inUtc = (text: string) => (/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text) ? `${text}Z` : text);

function iso(ms: number | null): string | null {
  if (ms === null) return null;
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
