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
    resourceAttributes: readAttributes(span.resource.attributes),
    scope: { name: scopeName, version, attributes: readAttributes(scopeAttributes(span)) },
    events: span.events
      .filter((event) => event.name.startsWith('gen_ai.'))
      .map(({ name, attributes }) => ({
        name,
        attributes: readAttributes(attributes),
        isEmpty: Object.keys(attributes ?? {}).length === 0,
      })),
  };
}

/**
 * The key `__proto__` is left out: Langfuse collects attributes in a plain object, where an assignment to that name
 * makes no property, so such an attribute is not stored. Every other key is an ordinary one there as here.
 */
function readAttributes(attributes: object | undefined): Attributes {
  const entries = Object.entries(attributes ?? {}).filter(([key, value]) => key !== '__proto__' && value !== undefined);
  return new Map(entries.map(([key, value]) => [key, plainValue(value)]));
}

/** OTLP has them; the SDK's type for a scope does not. */
function scopeAttributes(span: ReadableSpan): object | undefined {
  return (span.instrumentationScope as { attributes?: object }).attributes;
}
