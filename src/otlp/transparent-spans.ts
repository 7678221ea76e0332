import { badRequest } from '../errors';
import type { OriginalIds } from './ids';
import { openJson, readTraceContext, TRACE_CONTEXT_NAMES } from './json-body';
import { JsonFault, type JsonRepair } from './json-fault';
import type { ConvertedRequest } from './json-request';
import { type JsonReadOptions, JsonScalars } from './json-scalars';
import { ProtoWriter } from './proto-writer';
import { RequestLimits } from './request-limits';
import { field, REQUEST, RESOURCE_SPANS, SCOPE_SPANS } from './schema';
import { type ResourceGroup, type ScopeGroup, TransparentGroups, type WrittenSpan } from './transparent-groups';
import { Members } from './transparent-members';
import { SPAN_NAMES, TransparentSpanWriter } from './transparent-span';
import type { TransparentTools } from './transparent-values';

const RESOURCE_SPANS_FIELD = field(REQUEST, 'resourceSpans');
const SCOPE_SPANS_FIELD = field(RESOURCE_SPANS, 'scopeSpans');
const SPANS_FIELD = field(SCOPE_SPANS, 'spans');

/** Tags and lengths around a span, and around its groups. */
const FRAME_BYTES = 16;

/** Work that can be interrupted after each span. */
type Steps<T = void> = Generator<void, T>;

/**
 * Turns transparent spans into protobuf, a span at a step: a JSON array of ReadableSpans as browser exporters flatten them,
 * or an object whose member `spans` is one, with a `traceContext` beside it. Repairs and faults are those of OTLP JSON.
 * Spans of one resource and scope come together; what stood where is told in `sentAt` and `paths`. Each element of the list
 * counts as a span, what is none too. Neither array nor such an object: GatewayError (400).
 */
export function transparentRequestSteps(
  body: Buffer,
  allowed: JsonReadOptions['allowed'],
  messagesMax?: number,
): Steps<ConvertedRequest> {
  return new TransparentRequestReader(body, allowed, new RequestLimits(messagesMax)).read();
}

class TransparentRequestReader {
  readonly #tools: TransparentTools;
  readonly #groups: TransparentGroups;
  readonly #spans: TransparentSpanWriter;
  #count = 0;
  #traceContext: unknown;

  constructor(body: Buffer, allowed: JsonReadOptions['allowed'], limits: RequestLimits) {
    const { scanner, replaced } = openJson(body);
    const writer = new ProtoWriter(scanner.bytes.length);
    const scalars = new JsonScalars(scanner, writer, { allowed, replaced });
    this.#tools = { scanner, writer, scalars, limits };
    this.#groups = new TransparentGroups(this.#tools);
    this.#spans = new TransparentSpanWriter(this.#tools);
  }

  *read(): Steps<ConvertedRequest> {
    const { scanner, writer } = this.#tools;
    if (scanner.next() === 'object') yield* this.#envelope();
    else yield* this.#list();
    scanner.end();
    const assembly = new Assembly(writer.finish(), this.#count);
    for (const resource of this.#groups.resources.values()) yield* assembly.resource(resource);
    const texts = { bytes: scanner.bytes, ranges: assembly.ranges };
    return { ...assembly.finish(), traceContext: this.#traceContext, texts };
  }

  *#envelope(): Steps {
    const { scanner } = this.#tools;
    let hasSpans = false;
    for (const key of scanner.members()) {
      if (key === 'spans') {
        hasSpans = true;
        yield* this.#list();
      } else if (TRACE_CONTEXT_NAMES.includes(key)) this.#traceContext = readTraceContext(scanner);
      else if (REQUEST.byName.has(key))
        throw badRequest(`JSON: ${key} is OTLP, which goes to POST /v1/traces; ${EXPECTED}`);
      else scanner.skip();
    }
    if (!hasSpans) throw notSpans();
  }

  *#list(): Steps {
    const { scanner, limits } = this.#tools;
    if (scanner.next() !== 'array') throw notSpans();
    for (const _ of scanner.elements()) {
      limits.span();
      this.#span(this.#count++);
      yield;
    }
  }

  /** A span that cannot be read costs itself: what it wrote is taken back. */
  #span(index: number): void {
    const { scanner, writer, scalars } = this.#tools;
    const isObject = scanner.next() === 'object';
    const textStart = scanner.pos;
    const span = isObject ? new Members(scanner, SPAN_NAMES) : undefined;
    if (span === undefined) scanner.skip();
    const scannedTo = scanner.pos;
    const group = this.#groups.of(span);
    const start = writer.pos;
    const mended = scalars.collect();
    let fault: JsonFault | undefined;
    try {
      if (span === undefined) throw new JsonFault('invalid_field', 'is not an object');
      this.#spans.write(span);
    } catch (error) {
      if (!(error instanceof JsonFault)) throw error;
      fault = error;
      writer.pos = start;
    }
    scanner.pos = scannedTo;
    group.spans.push({ index, textStart, textEnd: scannedTo, start, end: writer.pos, fault, ...mended });
  }
}

/** Puts the spans that were written, one after another, together by resource and scope, and counts them as they come. */
class Assembly {
  readonly #written: Buffer;
  readonly #writer: ProtoWriter;
  readonly #sentAt: number[] = [];
  /** As in SpanTexts. */
  readonly ranges: number[] = [];
  readonly #paths = new Map<number, string>();
  readonly #faults = new Map<number, JsonFault>();
  readonly #repairs = new Map<number, Set<JsonRepair>>();
  readonly #originalIds = new Map<number, OriginalIds>();

  constructor(written: Buffer, spans: number) {
    this.#written = written;
    this.#writer = new ProtoWriter(written.length + spans * FRAME_BYTES);
  }

  *resource(resource: ResourceGroup): Steps {
    const writer = this.#writer;
    writer.tag(RESOURCE_SPANS_FIELD);
    const mark = writer.beginMessage();
    writer.raw(this.#written, resource.start, resource.end);
    for (const scope of resource.scopes.values()) {
      writer.tag(SCOPE_SPANS_FIELD);
      const scopeMark = writer.beginMessage();
      writer.raw(this.#written, scope.start, scope.end);
      for (const span of scope.spans) {
        this.#span(span, resource, scope);
        yield;
      }
      writer.endMessage(scopeMark);
    }
    writer.endMessage(mark);
  }

  #span(span: WrittenSpan, resource: ResourceGroup, scope: ScopeGroup): void {
    const position = this.#sentAt.push(span.index) - 1;
    this.ranges.push(span.textStart, span.textEnd);
    const path = `spans[${span.index}]`;
    const fault = span.fault ?? copyOf(resource.fault ?? scope.fault);
    this.#paths.set(position, path);
    this.#writer.tag(SPANS_FIELD);
    this.#writer.bytes(this.#written, span.start, fault === undefined ? span.end : span.start);
    if (fault !== undefined) {
      this.#faults.set(position, fault.within(path));
      return;
    }
    const repairs = new Set([...span.repairs, ...resource.repairs, ...scope.repairs]);
    if (repairs.size > 0) this.#repairs.set(position, repairs);
    if (span.repairs.size > 0) this.#originalIds.set(position, span.originalIds);
  }

  finish(): Omit<ConvertedRequest, 'traceContext' | 'texts'> {
    return {
      bytes: this.#writer.finish(),
      faults: this.#faults,
      repairs: this.#repairs,
      originalIds: this.#originalIds,
      paths: this.#paths,
      sentAt: this.#sentAt,
    };
  }
}

/** A fault of a group is one of each of its spans, with a path of its own. */
const copyOf = (fault: JsonFault | undefined) =>
  fault && new JsonFault(fault.reason, fault.description).within(fault.path);

const EXPECTED = 'here an array of spans is expected, or an object whose member spans is one';

const notSpans = () => badRequest(`JSON: ${EXPECTED}`);
