import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TextDecoder } from 'node:util';
import protobuf from 'protobufjs';
import { type CanonicalSpan, type CanonicalValue, canonicalSpans, type Dialect } from './canonical-span';

/**
 * The spans of a protobuf `ExportTraceServiceRequest`.
 *
 * @param options.invalidUtf8 `replace` puts U+FFFD where a string is no UTF-8, as a receiver that repairs it does.
 * @throws when the framing is broken at any depth, or a string is no UTF-8 (unless replaced).
 */
export function canonicalFromProtobuf(
  bytes: Uint8Array,
  options: { invalidUtf8?: 'refuse' | 'replace' } = {},
): CanonicalSpan[] {
  return canonicalFromMessage(decodeRequest(bytes), options);
}

export type Message = Record<string, unknown>;

/** @throws when the framing is broken at any depth. */
export function decodeRequest(bytes: Uint8Array): Message {
  return decode.call(REQUEST, protobuf.Reader.create(bytes), undefined, undefined, START_DEPTH) as unknown as Message;
}

/** Spans of a request that `decodeRequest` has read. */
export function canonicalFromMessage(
  request: Message,
  { invalidUtf8 = 'refuse' }: { invalidUtf8?: 'refuse' | 'replace' } = {},
): CanonicalSpan[] {
  const decoder = new TextDecoder('utf-8', { fatal: invalidUtf8 === 'refuse', ignoreBOM: true });
  return canonicalSpans(protobufDialect(decoder), request);
}

/**
 * The project's own schema with every string as bytes: whether a string is UTF-8 is then decided here, not by protobufjs, and
 * nothing is replaced in silence.
 */
const SCHEMA = protobuf.parse(
  readFileSync(join(__dirname, '../../proto/trace.proto'), 'utf8').replace(/\bstring (\w+ = )/g, 'bytes $1'),
).root;
const REQUEST = SCHEMA.lookupType('otlp.ExportTraceServiceRequest');

/**
 * protobufjs counts levels upwards from this fourth, undocumented argument and stops at 100, which 48 nested arrays reach. Starting below
 * zero leaves room for every depth the gateway accepts, without touching the limit that the code under test works with.
 */
const START_DEPTH = -20_000;
const decode = REQUEST.decode as (reader: protobuf.Reader, length: undefined, end: undefined, depth: number) => unknown;

function protobufDialect(decoder: TextDecoder): Dialect {
  const field = (parent: unknown, name: string): unknown => {
    const message = parent as Message | undefined;
    return message !== undefined && Object.hasOwn(message, name) ? message[name] : undefined;
  };
  const list = (parent: unknown, name: string) => (field(parent, name) ?? []) as unknown[];
  const text = (bytes: unknown) => decoder.decode((bytes ?? new Uint8Array()) as Uint8Array);
  const uint32 = (parent: unknown, name: string) => (field(parent, name) ?? 0) as number;
  return {
    message: field,
    list,
    text: (parent, name) => text(field(parent, name)),
    texts: (parent, name) => list(parent, name).map(text),
    id: (parent, name) => hex(field(parent, name)),
    uint32,
    uint64: (parent, name) => BigInt(String(field(parent, name) ?? 0)),
    enumeration: (parent, options) => uint32(parent, options.field),
    member: (anyValue) => {
      // The virtual field of the oneof holds the name of the member that is set, also when its content is a default.
      const name = (anyValue as { value?: string }).value;
      return name === undefined ? undefined : { name, raw: (anyValue as Message)[name] };
    },
    scalar: ({ name, raw }): CanonicalValue => {
      switch (name) {
        case 'stringValue':
          return { string: text(raw) };
        case 'boolValue':
          return { bool: raw as boolean };
        case 'intValue':
          return { int: BigInt(String(raw)) };
        case 'doubleValue':
          return { double: raw as number };
        case 'bytesValue':
          return { bytes: hex(raw) };
        default:
          return { stringIndex: raw as number };
      }
    },
  };
}

const hex = (bytes: unknown) => Buffer.from((bytes ?? []) as Uint8Array).toString('hex');
