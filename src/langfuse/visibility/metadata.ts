import { jsonText } from '../../otlp/any-value';
import type { Draft } from '../draft';

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
  'promptName',
  'promptVersion',
  'traceInput',
  'traceOutput',
] as const;
type OtelName = (typeof OTEL_NAMES)[number];

/** Attribute keys of what Langfuse would not show otherwise. There it is metadata on the top level, which can be filtered by. */
export const METADATA = Object.fromEntries(OTEL_NAMES.map((name) => [name, `${PREFIX}otel.${name}`])) as Readonly<
  Record<OtelName, string>
>;

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
