import {
  type Attributes,
  type HrTime,
  type Link,
  type SpanContext,
  SpanKind,
  type SpanStatus,
} from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './ids';
import { resourceOf, scopeOf } from './resource-view';
import type { ScannedSpan } from './scan';
import type { SpanIndex, SpanReader } from './span-index';
import {
  durationBetween,
  hrTime,
  isRemote,
  rawTraceState,
  readEvents,
  readLinks,
  readStatus,
  sampled,
} from './span-parts';

/**
 * A span as it came over the wire, read as a ReadableSpan: the bytes stay, and what is asked for is decoded from them.
 *
 * `spanContext().traceFlags` always has the SAMPLED bit: a sender that exported a span has sampled it, and OTel's
 * processors drop spans without it in silence. What leaves the gateway carries the flags that came.
 */
export class ReceivedSpan implements ReadableSpan {
  /** The whole request. */
  readonly bytes: Buffer;
  readonly #index: SpanIndex;
  #context: SpanContext | undefined;
  #events?: TimedEvent[];
  #links?: Link[];

  /** `reader` is of the request that `scanned` was found in. */
  constructor(
    reader: SpanReader,
    readonly scanned: ScannedSpan,
  ) {
    this.bytes = reader.bytes;
    this.#index = reader.index(scanned.start, scanned.end);
  }

  spanContext(): SpanContext {
    if (this.#context !== undefined) return this.#context;
    const { traceId, spanId, traceState, flags } = this.#index;
    const context: SpanContext = {
      traceId: this.bytes.toString('hex', traceId, traceId + TRACE_ID_BYTES),
      spanId: this.bytes.toString('hex', spanId, spanId + SPAN_ID_BYTES),
      traceFlags: sampled(flags),
    };
    if (traceState !== '') context.traceState = rawTraceState(traceState);
    this.#context = context;
    return context;
  }

  get parentSpanContext(): SpanContext | undefined {
    const { parentId, flags } = this.#index;
    if (parentId === -1) return undefined;
    return {
      traceId: this.spanContext().traceId,
      spanId: this.bytes.toString('hex', parentId, parentId + SPAN_ID_BYTES),
      traceFlags: sampled(flags),
      isRemote: isRemote(flags),
    };
  }

  get name(): string {
    const { nameStart, nameEnd } = this.#index;
    return this.bytes.toString('utf8', nameStart, nameEnd);
  }

  /** The wire counts from 1, with 0 for "unspecified", which receivers may take for INTERNAL. */
  get kind(): SpanKind {
    const { kind } = this.#index;
    return kind === 0 ? SpanKind.INTERNAL : kind - 1;
  }

  get startTime(): HrTime {
    return hrTime(this.bytes, this.#index.start);
  }

  get endTime(): HrTime {
    return hrTime(this.bytes, this.#index.end);
  }

  /** End minus start; negative where the sender's clock went back. */
  get duration(): HrTime {
    return durationBetween(this.bytes, this.#index.start, this.#index.end);
  }

  get status(): SpanStatus {
    return readStatus(this.bytes, this.#index.status);
  }

  get attributes(): Attributes {
    return this.#index.attributes.proxy;
  }

  /** Values that came as Langfuse does not decode them (see `isComplexValue`) become JSON texts. Returns how many. */
  complexToJson(): number {
    return this.#index.attributes.complexToJson();
  }

  /** What was set, replaced or deleted (`undefined`) in `attributes` since the span came. */
  changedAttributes(): ReadonlyMap<string, unknown> {
    return this.#index.attributes.changes();
  }

  /** Lets go of what was only read; it is decoded again when it is read again. */
  forgetDecoded(): void {
    this.#index.attributes.forgetDecoded();
    this.#context = undefined;
  }

  get events(): TimedEvent[] {
    this.#events ??= readEvents(this.bytes, this.#index.events);
    return this.#events;
  }

  get links(): Link[] {
    this.#links ??= readLinks(this.bytes, this.#index.links);
    return this.#links;
  }

  get ended(): boolean {
    return true;
  }

  get resource(): Resource {
    return resourceOf(this.scanned.scope.resource);
  }

  get instrumentationScope(): InstrumentationScope {
    return scopeOf(this.scanned.scope);
  }

  get droppedAttributesCount(): number {
    return this.#index.droppedAttributes;
  }

  get droppedEventsCount(): number {
    return this.#index.droppedEvents;
  }

  get droppedLinksCount(): number {
    return this.#index.droppedLinks;
  }
}
