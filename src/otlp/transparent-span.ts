import { JsonFault } from './json-fault';
import { exactInteger, isUint64 } from './json-numbers';
import type { JsonScanner } from './json-scanner';
import { EVENT, type FieldSpec, field, LINK, SPAN, STATUS } from './schema';
import { FLAT_NAMES, TransparentContext } from './transparent-context';
import { Members } from './transparent-members';
import { notADuration, readDuration, readTime } from './transparent-time';
import { type TransparentTools, TransparentValues } from './transparent-values';

/** The members of a ReadableSpan that are read here, and those of its group. What else there is, is passed over. */
export const SPAN_NAMES: ReadonlySet<string> = new Set([
  ...[...FLAT_NAMES, 'spanContext', 'parentSpanId', 'parentSpanContext', 'name', 'kind', 'status'],
  ...['startTime', 'endTime', 'duration', 'attributes', 'events', 'links'],
  ...['droppedAttributesCount', 'droppedEventsCount', 'droppedLinksCount'],
  ...['resource', 'instrumentationScope', 'instrumentationLibrary'],
]);
const EVENT_NAMES: ReadonlySet<string> = new Set(['name', 'time', 'attributes', 'droppedAttributesCount']);
const LINK_NAMES: ReadonlySet<string> = new Set([...FLAT_NAMES, 'context', 'attributes', 'droppedAttributesCount']);
const STATUS_NAMES: ReadonlySet<string> = new Set(['code', 'message']);

/** SpanKind and SpanStatusCode as JavaScript counts them. OTLP's kinds are one more: it has one that is unspecified. */
const KINDS = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const STATUS_CODES = ['UNSET', 'OK', 'ERROR'];

/**
 * Writes transparent spans, which are OpenTelemetry JS's ReadableSpans as JSON, as OTLP spans. A member that cannot be read
 * is a JsonFault with its path in the span.
 */
export class TransparentSpanWriter {
  readonly #tools: TransparentTools;
  readonly #values: TransparentValues;

  constructor(tools: TransparentTools) {
    this.#tools = tools;
    this.#values = new TransparentValues(tools);
  }

  /** The content of the message Span. */
  write(span: Members): void {
    const context = new TransparentContext(this.#tools, span, 'spanContext');
    const parent = new TransparentContext(this.#tools, span, 'parentSpanContext');
    context.id(field(SPAN, 'traceId'));
    context.id(field(SPAN, 'spanId'));
    parent.id(field(SPAN, 'parentSpanId'), 'spanId');
    context.traceState(field(SPAN, 'traceState'));
    context.flags(field(SPAN, 'flags'), parent.remoteness());
    this.#values.scalar(span, field(SPAN, 'name'));
    span.read('kind', () => this.#kind());
    this.#times(span);
    this.#values.attributes(span, SPAN);
    this.#each(span, 'events', () => this.#event());
    this.#values.scalar(span, field(SPAN, 'droppedEventsCount'));
    this.#each(span, 'links', () => this.#linkOrNone());
    this.#values.scalar(span, field(SPAN, 'droppedLinksCount'));
    span.read('status', () => this.#status());
  }

  #kind(): void {
    const { scanner, scalars, writer } = this.#tools;
    const kind = indexIn(KINDS, scanner, 'SPAN_KIND_');
    if (kind === undefined) {
      const fault = () => new JsonFault('invalid_field', 'is neither the number nor the name of a span kind');
      scalars.repair('kind_unknown', fault);
      return;
    }
    writer.tag(field(SPAN, 'kind'));
    writer.varint(kind + 1);
  }

  /** Of start, end and duration two give the third. */
  #times(span: Members): void {
    const { scanner } = this.#tools;
    const start = span.read('startTime', () => readTime(scanner)) ?? 0n;
    const end = span.read('endTime', () => readTime(scanner)) ?? 0n;
    const duration = span.read('duration', () => {
      const read = readDuration(scanner);
      const isNeeded = (start === 0n) !== (end === 0n);
      // It must not lead out of time.
      if (isNeeded && !isUint64(start === 0n ? end - read : start + read)) throw notADuration();
      return isNeeded ? read : undefined;
    });
    this.#time(field(SPAN, 'startTimeUnixNano'), start === 0n && duration !== undefined ? end - duration : start);
    this.#time(field(SPAN, 'endTimeUnixNano'), end === 0n && duration !== undefined ? start + duration : end);
  }

  /** A time of zero is one that is absent. */
  #time(known: FieldSpec, ns: bigint): void {
    if (ns === 0n) return;
    this.#tools.writer.tag(known);
    this.#tools.writer.fixed64(ns);
  }

  #status(): void {
    const { scanner, writer } = this.#tools;
    const status = new Members(scanner, STATUS_NAMES);
    this.#values.message(field(SPAN, 'status'), () => {
      this.#values.scalar(status, field(STATUS, 'message'));
      status.read('code', () => {
        const code = indexIn(STATUS_CODES, scanner, 'STATUS_CODE_');
        if (code === undefined) throw new JsonFault('invalid_field', 'is not a status code: UNSET, OK or ERROR');
        writer.tag(field(STATUS, 'code'));
        writer.varint(code);
      });
    });
  }

  /** The elements of a list; those that are null are passed over. */
  #each(span: Members, name: string, read: () => void): void {
    const { scanner } = this.#tools;
    span.read(name, () => {
      if (scanner.next() !== 'array') throw new JsonFault('invalid_field', 'is not an array');
      scanner.array((index) => {
        if (scanner.takeNull()) return;
        this.#tools.limits.detail();
        try {
          read();
        } catch (fault) {
          throw fault instanceof JsonFault ? fault.within(`[${index}]`) : fault;
        }
      });
    });
  }

  #event(): void {
    const { scanner } = this.#tools;
    const event = new Members(scanner, EVENT_NAMES);
    const end = scanner.pos;
    this.#values.message(field(SPAN, 'events'), () => {
      this.#time(field(EVENT, 'timeUnixNano'), event.read('time', () => readTime(scanner)) ?? 0n);
      this.#values.scalar(event, field(EVENT, 'name'));
      this.#values.attributes(event, EVENT);
    });
    scanner.pos = end;
  }

  /** A link that cannot be read costs the link, not the span; it is noted as it was written. */
  #linkOrNone(): void {
    const { scanner, writer, scalars } = this.#tools;
    const start = scanner.pos;
    scanner.skip();
    const end = scanner.pos;
    scanner.pos = start;
    const mark = writer.pos;
    scalars.hasDerivedId = false;
    let isOdd = false;
    try {
      this.#link();
      isOdd = scalars.hasDerivedId;
    } catch (fault) {
      if (!(fault instanceof JsonFault) || fault.reason === 'too_deep') throw fault;
      scalars.repair('link_dropped', () => fault);
      writer.pos = mark;
      isOdd = true;
    }
    if (isOdd) scalars.noteLink(scanner.bytes.toString('utf8', start, end).trim());
    scanner.pos = end;
  }

  #link(): void {
    const link = new Members(this.#tools.scanner, LINK_NAMES);
    const context = new TransparentContext(this.#tools, link, 'context');
    this.#values.message(field(SPAN, 'links'), () => {
      context.id(field(LINK, 'traceId'));
      context.id(field(LINK, 'spanId'));
      context.traceState(field(LINK, 'traceState'));
      context.flags(field(LINK, 'flags'), context.remoteness());
      this.#values.attributes(link, LINK);
    });
  }
}

/** The place of the number or name that is next, with or without a prefix, in any case; `undefined` where it has none. */
function indexIn(names: readonly string[], scanner: JsonScanner, prefix: string): number | undefined {
  const type = scanner.next();
  if (type === 'number') {
    const index = exactInteger(scanner.number());
    return index !== undefined && index >= 0n && index < names.length ? Number(index) : undefined;
  }
  if (type !== 'string') return undefined;
  const name = scanner.string().toUpperCase();
  const index = names.indexOf(name.startsWith(prefix) ? name.slice(prefix.length) : name);
  return index === -1 ? undefined : index;
}
