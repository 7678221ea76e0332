import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import { checkBytes, checkMessage, skipField, TRAITS } from './check';
import type { KeyWatch } from './key-watch';
import type { Outline } from './outline';
import { RequestLimits } from './request-limits';
import { field, REQUEST, RESOURCE_SPANS, SCOPE_SPANS, SPAN, tagOf } from './schema';
import { SpanOutliner } from './span-outline';
import { WireCursor } from './wire-cursor';

/** One element of `resourceSpans`; `head` is all of it but the scope spans, byte for byte. */
export interface ResourceGroup {
  readonly index: number;
  head: Buffer;
  traits: number;
  /** Spans came under the deprecated field 1000, so the request cannot leave as it came. */
  legacy: boolean;
  /** Filled by whoever decodes it first; one object for all spans of the group. */
  view?: Resource | undefined;
}

/** One element of `scopeSpans`; `head` is all of it but the spans, byte for byte. */
export interface ScopeGroup {
  readonly resource: ResourceGroup;
  readonly index: number;
  head: Buffer;
  traits: number;
  view?: InstrumentationScope | undefined;
}

export interface ScannedSpan {
  readonly scope: ScopeGroup;
  /** Position among its scope's spans. */
  readonly index: number;
  /** Position among the request's spans. */
  readonly ordinal: number;
  /** Where the span's field begins in `bytes` (its tag), where its message begins, and where both end. */
  readonly tagStart: number;
  readonly start: number;
  readonly end: number;
  traits: number;
  /** Where the scan was asked for it. */
  outline?: Outline;
}

export interface ScannedRequest {
  readonly bytes: Buffer;
  readonly spans: readonly ScannedSpan[];
  /** How many attributes, values, events and links there are; counted with `check` only. */
  readonly messages: number;
}

const RESOURCE_SPANS_TAG = tagOf(field(REQUEST, 'resourceSpans'));
const SCOPE_SPANS_TAG = tagOf(field(RESOURCE_SPANS, 'scopeSpans'));
const LEGACY_SCOPE_SPANS_TAG = tagOf(field(RESOURCE_SPANS, 'instrumentationLibrarySpans'));
const SPANS_TAG = tagOf(field(SCOPE_SPANS, 'spans'));

export interface ScanOptions {
  readonly check: boolean;
  /** With it, each span gets its outline. */
  readonly watch?: KeyWatch;
  /** With `check`: a request of more attributes, values, events and links is 413. */
  readonly messagesMax?: number | undefined;
}

/**
 * Finds the spans of an ExportTraceServiceRequest without decoding them.
 *
 * With `check`, every message is walked to its leaves: broken framing at any depth is a GatewayError (400), anything
 * questionable becomes a trait of its span. Without it only the outer framing is read: for bytes that passed before.
 */
export function scanRequest(bytes: Buffer, { check, watch, messagesMax }: ScanOptions): ScannedRequest {
  const cursor = new WireCursor(bytes);
  const spans: ScannedSpan[] = [];
  const limits = check ? new RequestLimits(messagesMax) : undefined;
  const outliner = watch === undefined ? undefined : new SpanOutliner(bytes, watch);
  const end = bytes.length;
  let index = 0;
  while (cursor.pos < end) {
    const tag = cursor.tag(end);
    if (tag !== RESOURCE_SPANS_TAG) skipField(cursor, REQUEST, tag, end);
    else scanResourceSpans({ cursor, spans, limits, outliner }, index++, cursor.len(end));
  }
  return { bytes, spans, messages: limits?.messages ?? 0 };
}

interface Scan {
  readonly cursor: WireCursor;
  readonly spans: ScannedSpan[];
  /** Counts and checks, where the bytes have not passed before. */
  readonly limits: RequestLimits | undefined;
  readonly outliner: SpanOutliner | undefined;
}

function scanResourceSpans(scan: Scan, index: number, end: number): void {
  const { cursor, limits } = scan;
  limits?.group();
  const head = new Head(cursor.bytes, cursor.pos);
  const resource: ResourceGroup = { index, head: Buffer.alloc(0), traits: 0, legacy: false };
  let scopes = 0;
  while (cursor.pos < end) {
    const at = cursor.pos;
    const tag = cursor.tag(end);
    if (tag === SCOPE_SPANS_TAG || tag === LEGACY_SCOPE_SPANS_TAG) {
      if (tag === LEGACY_SCOPE_SPANS_TAG) resource.legacy = true;
      const scopeEnd = cursor.len(end);
      scanScopeSpans(scan, { resource, index: scopes++, head: resource.head, traits: 0 }, scopeEnd);
      head.cut(at, cursor.pos);
    } else skipField(cursor, RESOURCE_SPANS, tag, end);
  }
  resource.head = head.end(end);
  if (limits !== undefined) resource.traits = checkBytes(RESOURCE_SPANS, resource.head, limits);
}

function scanScopeSpans({ cursor, spans, limits, outliner }: Scan, scope: ScopeGroup, end: number): void {
  limits?.group();
  const head = new Head(cursor.bytes, cursor.pos);
  let index = 0;
  while (cursor.pos < end) {
    const tagStart = cursor.pos;
    const tag = cursor.tag(end);
    if (tag === SPANS_TAG) {
      const spanEnd = cursor.len(end);
      const start = cursor.pos;
      limits?.span();
      const traits = limits === undefined ? 0 : checkMessage(SPAN, cursor, spanEnd, limits);
      cursor.pos = spanEnd;
      const span: ScannedSpan = { scope, index: index++, ordinal: spans.length, tagStart, start, end: spanEnd, traits };
      // While its bytes are at hand: in a large request they are far away later. One that is too deep goes no further.
      if (outliner !== undefined && (traits & TRAITS.tooDeep) === 0) span.outline = outliner.read(start, spanEnd);
      spans.push(span);
      head.cut(tagStart, spanEnd);
    } else skipField(cursor, SCOPE_SPANS, tag, end);
  }
  scope.head = head.end(end);
  if (limits !== undefined) scope.traits = checkBytes(SCOPE_SPANS, scope.head, limits);
}

/** Gathers a message's bytes around the parts that are cut out of it. */
class Head {
  readonly #kept: Buffer[] = [];

  constructor(
    readonly bytes: Buffer,
    private from: number,
  ) {}

  cut(start: number, end: number): void {
    this.#keep(start);
    this.from = end;
  }

  end(end: number): Buffer {
    this.#keep(end);
    return this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept);
  }

  #keep(end: number): void {
    if (end > this.from) this.#kept.push(this.bytes.subarray(this.from, end));
  }
}
