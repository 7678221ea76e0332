import { type HrTime, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base';
import { jsonText } from '../../otlp/any-value';
import type { Draft } from '../draft';
import { eventsShown } from '../observation/input-output';
import { readSpan } from '../observation/span-reading';
import { METADATA, textOrJson } from './metadata';

export function linksToMetadata(draft: Draft): void {
  const links = draft.span.links.map(({ context, ...link }) => ({
    traceId: context.traceId,
    spanId: context.spanId,
    ...filled('traceState', context.traceState?.serialize()),
    ...described(link),
  }));
  if (links.length > 0) draft.add(METADATA.links, jsonText(links));
}

export function eventsToMetadata(draft: Draft): void {
  const events = eventsNotShown(draft.span).map(({ name, time, ...event }) => ({
    name,
    time: isoTime(time),
    ...described(event),
  }));
  if (events.length > 0) draft.add(METADATA.events, jsonText(events));
}

/** All but those that Langfuse shows as the span's input or output. */
function eventsNotShown(span: ReadableSpan): readonly TimedEvent[] {
  const isOfGenAi = ({ name }: TimedEvent) => name.startsWith('gen_ai.');
  if (!span.events.some(isOfGenAi)) return span.events;
  const reading = readSpan(span);
  const shown = new Set(eventsShown(reading));
  // The reading has them all, in the same order.
  let at = 0;
  return span.events.filter((event) => !isOfGenAi(event) || !shown.has(reading.events[at++]!));
}

/** Of several exceptions the last one: it is the one that got away. A status that is OK says that all is well nonetheless. */
export function exceptionToLevel(draft: Draft): void {
  const { events, status } = draft.span;
  const exception = events.findLast(({ name }) => name === 'exception');
  if (exception === undefined || status.code === SpanStatusCode.OK) return;
  if (status.code !== SpanStatusCode.ERROR) draft.add('langfuse.observation.level', 'ERROR');
  const { attributes = {} } = exception;
  const message = attributes['exception.message'] || attributes['exception.type'];
  if (!status.message && message) draft.add('langfuse.observation.status_message', textOrJson(message));
}

/** What links and events have in common, without what is empty. */
function described({
  attributes = {},
  droppedAttributesCount = 0,
}: Pick<TimedEvent, 'attributes' | 'droppedAttributesCount'>) {
  return {
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    ...filled('droppedAttributesCount', droppedAttributesCount),
  };
}

const filled = <Value>(key: string, value: Value) => (value ? { [key]: value } : {});

/** ISO 8601 with all nanoseconds. */
function isoTime([seconds, nanos]: HrTime): string {
  const toTheSecond = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length);
  return `${toTheSecond}.${String(nanos).padStart(9, '0')}Z`;
}
