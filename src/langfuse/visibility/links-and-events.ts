import { type HrTime, type Link, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base';
import type { Draft } from '../draft';
import { eventsShown } from '../observation/input-output';
import { namedLevel } from '../observation/level';
import { readSpan } from '../observation/span-reading';
import { boundedText, listText } from './bounded-text';
import { addMetadata, METADATA } from './metadata';

const LEVEL = 'langfuse.observation.level';
const STATUS_MESSAGE = 'langfuse.observation.status_message';

export function linksToMetadata(draft: Draft): void {
  const { links } = draft.span;
  const entryOf = ({ context, ...link }: Link) => ({
    traceId: context.traceId,
    spanId: context.spanId,
    ...filled('traceState', context.traceState?.serialize()),
    ...filled('traceFlags', context.traceFlags),
    ...filled('isRemote', context.isRemote),
    ...described(link),
  });
  if (links.length > 0) addMetadata(draft, METADATA.links, listText(links, entryOf));
}

export function eventsToMetadata(draft: Draft): void {
  const events = eventsNotShown(draft.span);
  const entryOf = ({ name, time, ...event }: TimedEvent) => ({ name, time: isoTime(time), ...described(event) });
  if (events.length > 0) addMetadata(draft, METADATA.events, listText(events, entryOf));
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
  if (status.code !== SpanStatusCode.ERROR) setLevel(draft);
  const { attributes = {} } = exception;
  const message = attributes['exception.message'] || attributes['exception.type'];
  if (!isUnset(draft.span.attributes[STATUS_MESSAGE])) return;
  // An empty one would hide the status's.
  if (status.message) draft.replace(STATUS_MESSAGE, undefined);
  else if (message) draft.replace(STATUS_MESSAGE, boundedText(message));
}

/** What Langfuse takes for no level is nothing it shows, and is kept. */
function setLevel(draft: Draft): void {
  const sent = draft.span.attributes[LEVEL];
  if (namedLevel(sent) !== undefined) return;
  if (!isUnset(sent)) addMetadata(draft, METADATA.originalLevel, sent);
  draft.replace(LEVEL, 'ERROR');
}

const isUnset = (value: unknown) => value === undefined || value === null || value === '';

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
