import { JsonFault } from './json-fault';
import { exactInteger, isUint32 } from './json-numbers';
import type { JsonScanner } from './json-scanner';
import type { FieldSpec } from './schema';
import { Members } from './transparent-members';
import type { TransparentTools } from './transparent-values';

/** The first eight bits of `flags` are W3C's; two more tell whether the parent, or the linked span, is remote (trace.proto, SpanFlags). */
const W3C_MASK = 0xff;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** The members of a SpanContext that also stand flat beside it. */
export const FLAT_NAMES = ['traceId', 'spanId', 'traceFlags', 'traceState'] as const;
const NAMES: ReadonlySet<string> = new Set([...FLAT_NAMES, 'isRemote']);

/** What OpenTelemetry's class TraceState keeps: its members are in the JSON of a context that was not serialised by hand. */
const RAW_TRACE_STATE = '_rawTraceState';

/** A span context: each of its members stands in it, or flat beside it where it says nothing. */
export class TransparentContext {
  readonly #tools: TransparentTools;
  readonly #owner: Members;
  readonly #name: string;
  readonly #nested: Members | undefined;

  /** The member `name` of `owner`, and what stands in `owner` itself. */
  constructor(tools: TransparentTools, owner: Members, name: string) {
    this.#tools = tools;
    this.#owner = owner;
    this.#name = name;
    this.#nested = owner.read(name, () => new Members(tools.scanner, NAMES));
  }

  /** Writes the id, with the repairs and faults of an id in OTLP JSON. Flat it has the name of its field. */
  id(known: FieldSpec, name = known.name): void {
    const write = () => this.#tools.scalars.write(known);
    if (this.#nested?.says(name)) this.#read(name, write);
    else this.#owner.read(known.name, write);
  }

  traceState(known: FieldSpec): void {
    const { scanner, scalars } = this.#tools;
    const write = () => {
      const state = readTraceState(scanner);
      if (state !== '') scalars.text(known, state);
      return state !== '';
    };
    if (this.#read('traceState', write) !== true) this.#owner.read('traceState', write);
  }

  /** Writes W3C's flags together with the bits of `remoteness`. */
  flags(known: FieldSpec, remoteness: number): void {
    const { scanner, writer } = this.#tools;
    const read = () => readFlags(scanner);
    const flags = this.#read('traceFlags', read) ?? this.#owner.read('traceFlags', read) ?? 0;
    if ((flags | remoteness) === 0) return;
    writer.tag(known);
    writer.fixed32(flags | remoteness);
  }

  /** The two bits; zero where nothing is said. */
  remoteness(): number {
    const { scanner } = this.#tools;
    const isRemote = this.#read('isRemote', () => (scanner.next() === 'boolean' ? scanner.boolean() : undefined));
    if (isRemote === undefined) return 0;
    return isRemote ? HAS_IS_REMOTE | IS_REMOTE : HAS_IS_REMOTE;
  }

  #read<Result>(name: string, read: () => Result): Result | undefined {
    return this.#nested && this.#owner.read(this.#name, () => this.#nested?.read(name, read));
  }
}

/** A number, or a text: two hex digits as in `traceparent`, else decimal. */
function readFlags(scanner: JsonScanner): number {
  const type = scanner.next();
  const text = type === 'number' ? scanner.number() : type === 'string' ? scanner.string() : '';
  const isHex = type === 'string' && /^[0-9a-fA-F]{2}$/.test(text);
  const flags = isHex ? BigInt(`0x${text}`) : exactInteger(text);
  if (flags === undefined || !isUint32(flags)) {
    throw new JsonFault('invalid_field', 'is not trace flags: a number, or two hex digits');
  }
  return Number(flags) & W3C_MASK;
}

/** The header's text; an object of texts is its list. Empty where there is none. */
function readTraceState(scanner: JsonScanner): string {
  const type = scanner.next();
  if (type === 'string') return scanner.string();
  if (type !== 'object') throw notTraceState();
  let raw = '';
  const entries: string[] = [];
  scanner.object((key) => {
    // No key of a trace state begins like that (W3C Trace Context): those of a class do.
    if (key.startsWith('_') && key !== RAW_TRACE_STATE) scanner.skip();
    else if (scanner.next() !== 'string') throw notTraceState();
    else if (key === RAW_TRACE_STATE) raw = scanner.string();
    else entries.push(`${key}=${scanner.string()}`);
  });
  return entries.length > 0 ? entries.join(',') : raw;
}

const notTraceState = () => new JsonFault('invalid_field', 'is not a trace state: a text, or an object of texts');
