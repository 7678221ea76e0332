import { badRequest, GatewayError } from '../errors';
import type { OriginalIds } from './ids';
import { openJson, readTraceContext, TRACE_CONTEXT_NAMES } from './json-body';
import { JsonFault, type JsonRepair } from './json-fault';
import type { JsonReadOptions } from './json-scalars';
import type { JsonScanner } from './json-scanner';
import { JsonValues } from './json-values';
import { ProtoWriter } from './proto-writer';
import { RequestLimits } from './request-limits';
import { type FieldSpec, field, REQUEST, RESOURCE_SPANS, SCOPE_SPANS, SPAN } from './schema';

const RESOURCE_SPANS_FIELD = field(REQUEST, 'resourceSpans');
const SCOPE_SPANS_FIELD = field(RESOURCE_SPANS, 'scopeSpans');
const LEGACY_SCOPE_SPANS_FIELD = field(RESOURCE_SPANS, 'instrumentationLibrarySpans');
const SCOPE_FIELD = field(SCOPE_SPANS, 'scope');
const SPANS_FIELD = field(SCOPE_SPANS, 'spans');

/** Names of the deprecated layout (instrumentation library spans) that are not fields of ours. */
const LEGACY_SCOPE_NAMES = ['instrumentationLibrary', 'instrumentation_library'];

export interface ConvertedRequest {
  /** The ExportTraceServiceRequest in protobuf. A span with a fault is an empty message, so that positions stay. */
  bytes: Buffer;
  /** Spans that cannot be read, by their position in the request. */
  faults: Map<number, JsonFault>;
  /** What was read otherwise than it was written, by the span's position in the request. */
  repairs: Map<number, Set<JsonRepair>>;
  /** Ids that could not be read, by the span's position in the request. */
  originalIds: Map<number, OriginalIds>;
  /** The member `traceContext` of the request, where it has one. */
  traceContext: unknown;
  /** Paths in the JSON, where they differ from positions because elements that are null were passed over. */
  paths: Map<number, string>;
  /** Where a span stood in the sender's list, by its position in the request; absent: at the same position. */
  sentAt?: readonly number[];
  texts: SpanTexts;
}

/** Where the texts of a request's spans lie, as their sender wrote them: start and end of each, by its position. */
export interface SpanTexts {
  readonly bytes: Buffer;
  readonly ranges: readonly number[];
}

/**
 * Turns an OTLP/JSON request into protobuf, a span at a step. `allowed` says which repairs are switched on; what a repair
 * that is off would have mended is a fault of its span. Not one JSON object, or not an OTLP request: GatewayError (400).
 */
export function jsonRequestSteps(
  body: Buffer,
  allowed: JsonReadOptions['allowed'],
  messagesMax?: number,
): Steps<ConvertedRequest> {
  const { scanner, replaced } = openJson(body);
  return new JsonRequestReader(scanner, { allowed, replaced }, new RequestLimits(messagesMax)).read();
}

/** Work that can be interrupted after each span. */
type Steps<T = void> = Generator<void, T>;

class JsonRequestReader {
  readonly #scanner: JsonScanner;
  readonly #writer: ProtoWriter;
  readonly #limits: RequestLimits;
  readonly #values: JsonValues;
  readonly #faults = new Map<number, JsonFault>();
  readonly #repairs = new Map<number, Set<JsonRepair>>();
  readonly #originalIds = new Map<number, OriginalIds>();
  readonly #paths = new Map<number, string>();
  readonly #ranges: number[] = [];
  #traceContext: unknown;
  #hasNulls = false;
  #spans = 0;

  constructor(scanner: JsonScanner, options: JsonReadOptions, limits: RequestLimits) {
    this.#limits = limits;
    this.#scanner = scanner;
    // Protobuf is smaller than its JSON; repairs may still make it grow.
    this.#writer = new ProtoWriter(scanner.bytes.length);
    this.#values = new JsonValues(this.#scanner, this.#writer, { ...options, limits });
  }

  *read(): Steps<ConvertedRequest> {
    const scanner = this.#scanner;
    const type = scanner.next();
    if (type !== 'object') {
      const hint = type === 'array' ? '; a list of flattened spans goes to POST /otel-ingest' : '';
      throw badRequest(`JSON: the request must be one object with resourceSpans${hint}`);
    }
    for (const key of scanner.members()) {
      if (REQUEST.byName.get(key) === RESOURCE_SPANS_FIELD)
        yield* this.#messages(RESOURCE_SPANS_FIELD, 'resourceSpans', (path) => this.#resourceSpans(path));
      else if (TRACE_CONTEXT_NAMES.includes(key)) this.#traceContext = readTraceContext(scanner);
      else scanner.skip();
    }
    scanner.end();
    return {
      bytes: this.#writer.finish(),
      faults: this.#faults,
      repairs: this.#repairs,
      originalIds: this.#originalIds,
      traceContext: this.#traceContext,
      paths: this.#paths,
      texts: { bytes: scanner.bytes, ranges: this.#ranges },
    };
  }

  *#resourceSpans(path: string): Steps {
    const first = this.#spans;
    const group = new GroupOutcome();
    for (const key of this.#scanner.members()) {
      const known = RESOURCE_SPANS.byName.get(key);
      if (known === SCOPE_SPANS_FIELD || known === LEGACY_SCOPE_SPANS_FIELD) {
        yield* this.#messages(SCOPE_SPANS_FIELD, `${path}.${key}`, (scopePath) => this.#scopeSpans(scopePath));
      } else this.#groupField(known, `${path}.${key}`, group);
    }
    this.#spread(group, first);
  }

  *#scopeSpans(path: string): Steps {
    const first = this.#spans;
    const group = new GroupOutcome();
    for (const key of this.#scanner.members()) {
      const known = LEGACY_SCOPE_NAMES.includes(key) ? SCOPE_FIELD : SCOPE_SPANS.byName.get(key);
      if (known !== SPANS_FIELD) this.#groupField(known, `${path}.${key}`, group);
      else {
        for (const spanPath of this.#elements(`${path}.${key}`)) {
          this.#span(spanPath);
          yield;
        }
      }
    }
    this.#spread(group, first);
  }

  /** A span that cannot be read costs itself: what it wrote is taken back, and its text is stepped over. */
  #span(path: string): void {
    this.#limits.span();
    const ordinal = this.#spans++;
    if (this.#hasNulls) this.#paths.set(ordinal, path);
    const { pos } = this.#scanner;
    this.#writer.tag(SPANS_FIELD);
    const mark = this.#writer.beginMessage();
    const { repairs, originalIds } = this.#values.collect();
    const fault = this.#attempt(() => this.#values.message(SPAN), path, pos);
    if (fault !== undefined) {
      this.#writer.pos = mark;
      this.#faults.set(ordinal, fault);
    } else if (repairs.size > 0) {
      this.#repairs.set(ordinal, repairs);
      this.#originalIds.set(ordinal, originalIds);
    }
    this.#writer.endMessage(mark);
    this.#ranges.push(pos, this.#scanner.pos);
  }

  /** A field of the resource or scope level. Unreadable, it is a fault of all spans below it. */
  #groupField(known: FieldSpec | undefined, path: string, group: GroupOutcome): void {
    if (known === undefined) {
      this.#scanner.skip();
      return;
    }
    const { pos } = this.#scanner;
    const mark = this.#writer.pos;
    const { repairs } = this.#values.collect();
    const fault = this.#attempt(() => this.#values.singular(known), path, pos);
    if (fault !== undefined) {
      this.#writer.pos = mark;
      group.fault ??= fault;
    }
    for (const repair of repairs) group.repairs.add(repair);
  }

  #attempt(read: () => void, path: string, pos: number): JsonFault | undefined {
    try {
      read();
      return undefined;
    } catch (fault) {
      if (!(fault instanceof JsonFault)) throw fault;
      this.#scanner.pos = pos;
      this.#scanner.skip();
      return fault.within(path);
    }
  }

  #spread(group: GroupOutcome, first: number): void {
    for (let ordinal = first; ordinal < this.#spans; ordinal++) {
      if (group.fault !== undefined && !this.#faults.has(ordinal)) this.#faults.set(ordinal, group.fault);
      if (group.repairs.size === 0) continue;
      const own = this.#repairs.get(ordinal) ?? new Set();
      this.#repairs.set(ordinal, new Set([...own, ...group.repairs]));
    }
  }

  *#messages(known: FieldSpec, path: string, read: (path: string) => Steps): Steps {
    for (const elementPath of this.#elements(path)) {
      if (this.#scanner.next() !== 'object') throw notA('object', elementPath);
      this.#limits.group();
      this.#writer.tag(known);
      const mark = this.#writer.beginMessage();
      yield* read(elementPath);
      this.#writer.endMessage(mark);
    }
  }

  /** The paths of what is in a list. It may be absent or null, as may be its elements, which are passed over. */
  *#elements(path: string): Generator<string, void> {
    if (this.#scanner.takeNull()) return;
    if (this.#scanner.next() !== 'array') throw notA('array', path);
    for (const index of this.#scanner.elements()) {
      if (this.#scanner.takeNull()) this.#hasNulls = true;
      else yield `${path}[${index}]`;
    }
  }
}

class GroupOutcome {
  fault: JsonFault | undefined;
  readonly repairs = new Set<JsonRepair>();
}

const notA = (what: string, path: string) =>
  new GatewayError('bad_request', `JSON: ${path} is not an ${what}`, {
    fieldViolations: [{ field: path, description: `not an ${what}` }],
  });
