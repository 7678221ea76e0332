import { jsonText } from '../../otlp/any-value';
import type { Draft } from '../draft';
import { boundedText } from './bounded-text';

const PREFIX = 'langfuse.observation.metadata.';

const OTEL_NAMES = [
  'links',
  'events',
  'traceState',
  'kind',
  'droppedAttributesCount',
  'droppedEventsCount',
  'droppedLinksCount',
  'originalTraceId',
  'originalSpanId',
  'originalParentSpanId',
  'originalLinks',
  'originalEnvironment',
  'originalLevel',
  'promptName',
  'promptVersion',
  'traceInput',
  'traceOutput',
  'metadata',
  'traceMetadata',
] as const;
type OtelName = (typeof OTEL_NAMES)[number];

/** Attribute keys of what Langfuse would not show otherwise. There it is metadata on the top level, which can be filtered by. */
export const METADATA = Object.fromEntries(OTEL_NAMES.map((name) => [name, `${PREFIX}otel.${name}`])) as Readonly<
  Record<OtelName, string>
>;

/**
 * Writes one of them, a number as it is. Where the sender has something else under that name it goes beside it, with
 * underscores behind the name; a second gateway finds what the first one wrote.
 */
export function addMetadata(draft: Draft, key: string, value: unknown): void {
  const { attributes } = draft.span;
  const kept = typeof value === 'number' && Number.isFinite(value) ? value : boundedText(value);
  let target = key;
  while (attributes[target] !== undefined && attributes[target] !== kept) target += '_';
  draft.add(target, kept);
}

/** Keeps an attribute's value as metadata under its own name, with underscores behind it where that one is taken. */
export function moveToMetadata(draft: Draft, key: string): void {
  const { attributes } = draft.span;
  let target = `${PREFIX}${key}`;
  while (attributes[target] !== undefined) target += '_';
  draft.add(target, textOrJson(attributes[key]));
  draft.replace(key, undefined);
}

/** A text as it is, anything else as JSON. */
export const textOrJson = (value: unknown): string => (typeof value === 'string' ? value : jsonText(value));
