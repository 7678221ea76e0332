import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { type PlainValue, plainValue } from './plain-value';

export type Attributes = ReadonlyMap<string, PlainValue>;

/** What Langfuse looks at in a span: kind, links, trace state, flags and dropped counts are not among it. */
export interface SpanReading {
  readonly name: string;
  readonly attributes: Attributes;
  readonly resourceAttributes: Attributes;
  readonly scope: { readonly name: string; readonly version: string | undefined; readonly attributes: Attributes };
  /** The `gen_ai.*` events only: Langfuse drops every other event, exceptions included. */
  readonly events: readonly EventReading[];
}

export interface EventReading {
  readonly name: string;
  readonly attributes: Attributes;
  /** Without any attribute, also such as Langfuse does not store. */
  readonly isEmpty: boolean;
}

/** Decodes a span's attributes as Langfuse does, once, for all who read it. */
export function readSpan(span: ReadableSpan): SpanReading {
  const { name: scopeName, version } = span.instrumentationScope;
  return {
    name: span.name,
    attributes: readAttributes(span.attributes),
    resourceAttributes: readShared(span.resource.attributes),
    scope: { name: scopeName, version, attributes: readShared(scopeAttributes(span)) },
    events: span.events
      .filter((event) => event.name.startsWith('gen_ai.'))
      .map(({ name, attributes }) => ({
        name,
        attributes: readAttributes(attributes),
        isEmpty: Object.keys(attributes ?? {}).length === 0,
      })),
  };
}

/** By the object they are in. */
const shared = new WeakMap<object, Attributes>();

/** Of a resource or a scope, which many spans have in common and nobody changes. */
function readShared(attributes: object | undefined): Attributes {
  if (attributes === undefined) return NONE;
  const known = shared.get(attributes) ?? readAttributes(attributes);
  shared.set(attributes, known);
  return known;
}

const NONE: Attributes = new Map();

/**
 * The key `__proto__` is left out: Langfuse collects attributes in a plain object, where an assignment to that name
 * makes no property, so such an attribute is not stored. Every other key is an ordinary one there as here.
 */
function readAttributes(attributes: object = {}): Attributes {
  const read = new Map<string, PlainValue>();
  // `Object.entries` would ask a proxy three times for each of them.
  for (const key of Reflect.ownKeys(attributes)) {
    if (typeof key === 'symbol' || key === '__proto__') continue;
    const value = (attributes as Record<string, unknown>)[key];
    if (value !== undefined) read.set(key, plainValue(value));
  }
  return read;
}

/** OTLP has them; the SDK's type for a scope does not. */
function scopeAttributes(span: ReadableSpan): object | undefined {
  return (span.instrumentationScope as { attributes?: object }).attributes;
}
