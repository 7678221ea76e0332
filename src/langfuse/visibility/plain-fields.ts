import { SpanKind } from '@opentelemetry/api';
import type { Draft } from '../draft';
import { ENVIRONMENT_KEYS, environmentOf, normalisedEnvironment } from '../observation/environment';
import { readSpan } from '../observation/span-reading';
import { boundedText } from './bounded-text';
import { addMetadata, METADATA } from './metadata';

export function traceStateToMetadata(draft: Draft): void {
  const text = draft.span.spanContext().traceState?.serialize();
  if (text) addMetadata(draft, METADATA.traceState, text);
}

/** INTERNAL is what a span is that says nothing, and is not worth a word. Numbers of OTLP are one higher than OTel's. */
export function kindToMetadata(draft: Draft): void {
  const { kind } = draft.span;
  if (kind !== SpanKind.INTERNAL) addMetadata(draft, METADATA.kind, kindText(kind));
}

export const kindText = (kind: SpanKind): string => SpanKind[kind] ?? String(Number(kind) + 1);

export function droppedCountsToMetadata(draft: Draft): void {
  for (const name of ['droppedAttributesCount', 'droppedEventsCount', 'droppedLinksCount'] as const) {
    if (draft.span[name] > 0) addMetadata(draft, METADATA[name], draft.span[name]);
  }
}

/** The environment of a resource stays visible among its attributes. */
export function normaliseEnvironment(draft: Draft): void {
  const reading = readSpan(draft.span);
  const key = ENVIRONMENT_KEYS.find((each) => reading.attributes.get(each) || reading.resourceAttributes.get(each));
  if (key === undefined || !reading.attributes.get(key)) return;
  const sent = boundedText(draft.span.attributes[key]);
  const stored = environmentOf(reading);
  if (sent === stored) return;
  addMetadata(draft, METADATA.originalEnvironment, sent);
  draft.replace('langfuse.environment', stored);
}

/** What nearly all environments look like: one look is enough. */
const COMMON_ENVIRONMENT = /^(?!langfuse)[a-z0-9_-]{1,40}$/;

/** Whether Langfuse stores that text as it is. */
export const isNormalEnvironment = (text: string) =>
  COMMON_ENVIRONMENT.test(text) || normalisedEnvironment(text) === text;
