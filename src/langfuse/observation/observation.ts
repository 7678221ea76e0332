import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { environmentOf } from './environment';
import { flattenMetadata } from './flatten-metadata';
import { inputOutputOf } from './input-output';
import { columnText } from './json';
import { levelOf, type ObservationLevel, statusMessageOf } from './level';
import { metadataOf } from './metadata';
import { type ModelParameters, modelOf, modelParametersOf } from './model';
import {
  isAppRoot,
  isPublic,
  nameOf,
  type PromptLink,
  promptOf,
  releaseOf,
  sessionIdOf,
  tagsOf,
  traceNameOf,
  userIdOf,
  versionOf,
} from './observation-fields';
import { type ObservationTimes, observationTimes } from './observation-times';
import { type ObservationType, observationType } from './observation-type';
import { readSpan, type SpanReading } from './span-reading';
import { liftToolDefinitions } from './tool-definitions';
import { costOf, usageOf } from './usage-cost';

/** A span as Langfuse stores it. What is absent is null; tags are then an empty list and `public` is false. */
export interface Observation extends ObservationTimes, PromptLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  /** Without a parent, or marked as the root of an application: one of the spans that Langfuse lists as roots. */
  readonly isRoot: boolean;
  readonly type: ObservationType;
  readonly name: string;
  readonly level: ObservationLevel;
  readonly statusMessage: string | null;
  readonly model: string | null;
  readonly modelParameters: ModelParameters | null;
  /** Tokens by kind, as provided. */
  readonly usage: Record<string, number> | null;
  /** US dollars by kind, as provided. */
  readonly cost: Record<string, number> | null;
  readonly input: string | null;
  readonly output: string | null;
  readonly sessionId: string | null;
  readonly userId: string | null;
  readonly traceName: string | null;
  readonly tags: readonly string[];
  readonly public: boolean;
  readonly environment: string;
  readonly release: string | null;
  readonly version: string | null;
  /** Flat: dotted paths and texts. */
  readonly metadata: Record<string, string>;
  /** What the gateway changed and what it warns of; for the caller to fill. */
  readonly repairs: readonly string[];
  readonly warnings: readonly string[];
}

/** Without what takes long to read: payload and metadata. */
export type ObservationSummary = Omit<Observation, 'input' | 'output' | 'metadata' | 'repairs' | 'warnings'>;

const NO_PROMPT: PromptLink = { promptName: null, promptVersion: null };

/**
 * The observation that Langfuse stores for a span it writes directly (path B: `OtelIngestionProcessor.processToEvent`
 * and `IngestionService.createEventRecord`, langfuse/langfuse 4.16.0). Never throws: where Langfuse stumbles over a
 * value, that value counts as absent.
 */
export function observe(span: ReadableSpan): Observation {
  const reading = readSpan(span);
  const { input, output } = inputOutputOf(reading);
  const lifted = liftToolDefinitions({ input, metadata: metadataOf(reading) });
  const { sessionId, userId, traceName, tags, environment, release, version, ...rest } = summaryOf(span, reading);
  const { public: isShared, promptName, promptVersion, ...core } = rest;
  return {
    ...core,
    input: columnText(lifted.input),
    output: columnText(output),
    ...{ sessionId, userId, traceName, tags, public: isShared, environment, release, version },
    ...{ promptName, promptVersion },
    metadata: flattenMetadata(lifted.metadata),
    repairs: [],
    warnings: [],
  };
}

/** What `observe` says of a span, at a fraction of its cost. */
export const summarise = (span: ReadableSpan): ObservationSummary => summaryOf(span, readSpan(span));

function summaryOf(span: ReadableSpan, reading: SpanReading): ObservationSummary {
  const type = observationType(reading);
  const parentSpanId = span.parentSpanContext?.spanId || null;
  return {
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    parentSpanId,
    isRoot: parentSpanId === null || isAppRoot(reading),
    type,
    name: nameOf(reading),
    ...observationTimes(span, reading.attributes),
    level: levelOf(reading, span.status),
    statusMessage: statusMessageOf(reading, span.status),
    model: modelOf(reading),
    modelParameters: modelParametersOf(reading),
    usage: usageOf(reading),
    cost: costOf(reading),
    sessionId: sessionIdOf(reading),
    userId: userIdOf(reading),
    traceName: traceNameOf(reading),
    tags: tagsOf(reading),
    public: isPublic(reading),
    environment: environmentOf(reading),
    release: releaseOf(reading),
    version: versionOf(reading),
    ...(type === 'GENERATION' ? promptOf(reading) : NO_PROMPT),
  };
}
