import {
  ANY_VALUE,
  ARRAY_VALUE,
  EVENT,
  FIXED32,
  FIXED64,
  field,
  KEY_VALUE,
  KEY_VALUE_LIST,
  LEN,
  LINK,
  type MessageSpec,
  OTLP,
  REQUEST,
  RESOURCE,
  RESOURCE_SPANS,
  RPC,
  SCOPE,
  SCOPE_SPANS,
  SPAN,
  STATUS,
  tagOf,
  VARINT,
} from '../../src/otlp/schema';
import { TRACE_PROTO } from '../support/otlp-messages';

/** [published name, number, kind, wire type, repeated, member of a oneof] as the text of the schema has it. */
type Row = [name: string, number: number, kind: string, wireType: number, repeated: boolean, oneof: boolean];

const WIRE_TYPES: Record<string, number> = {
  ...{ bool: VARINT, int32: VARINT, uint32: VARINT, int64: VARINT, enum: VARINT },
  ...{ string: LEN, bytes: LEN, message: LEN, fixed32: FIXED32, fixed64: FIXED64, double: FIXED64 },
};

const DECLARED = declaredFields(TRACE_PROTO);
const ENTITY_REF = field(RESOURCE, 'entityRefs').message as MessageSpec;

const SPECS: [string, MessageSpec][] = [
  ['ExportTraceServiceRequest', REQUEST],
  ['ResourceSpans', RESOURCE_SPANS],
  ['Resource', RESOURCE],
  ['EntityRef', ENTITY_REF],
  ['ScopeSpans', SCOPE_SPANS],
  ['InstrumentationScope', SCOPE],
  ['Span', SPAN],
  ['Event', EVENT],
  ['Link', LINK],
  ['Status', STATUS],
  ['KeyValue', KEY_VALUE],
  ['AnyValue', ANY_VALUE],
  ['ArrayValue', ARRAY_VALUE],
  ['KeyValueList', KEY_VALUE_LIST],
];

test.each(SPECS)('%s maps every field of the schema, and no other', (name, spec) => {
  const mapped = spec.byNumber.filter((known) => known !== undefined);
  const rows = mapped.map(({ name: camel, number, kind, wireType, repeated, oneof }) => {
    return [snake(camel), number, kind, wireType, repeated, oneof];
  });
  expect(rows).toEqual(DECLARED.get(name)?.toSorted(([, a], [, b]) => a - b));
  expect(mapped.map(({ number }) => spec.byNumber[number])).toEqual(mapped);
});

test.each(SPECS)('%s knows its fields by both spellings', (name, spec) => {
  const spellings = (DECLARED.get(name) ?? []).flatMap(([original, number]) => [
    [original, number],
    [camel(original), number],
  ]);
  expect(new Map([...spec.byName].map(([key, { number }]) => [key, number]))).toEqual(
    new Map(spellings as [string, number][]),
  );
});

test('messages lead to each other, also in a circle', () => {
  expect(field(REQUEST, 'resourceSpans').message).toBe(RESOURCE_SPANS);
  expect(field(RESOURCE_SPANS, 'instrumentationLibrarySpans').message).toBe(SCOPE_SPANS);
  expect(field(KEY_VALUE, 'value').message).toBe(ANY_VALUE);
  expect(field(ANY_VALUE, 'arrayValue').message).toBe(ARRAY_VALUE);
  expect(field(ARRAY_VALUE, 'values').message).toBe(ANY_VALUE);
  expect(field(KEY_VALUE_LIST, 'values').message).toBe(KEY_VALUE);
});

test('names of an enum give its numbers', () => {
  const kinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
  const codes = ['UNSET', 'OK', 'ERROR'];
  expect([...(field(SPAN, 'kind').enumValues ?? [])]).toEqual(kinds.map((name, at) => [`SPAN_KIND_${name}`, at]));
  expect([...(field(STATUS, 'code').enumValues ?? [])]).toEqual(codes.map((name, at) => [`STATUS_CODE_${name}`, at]));
  expect(field(SPAN, 'name').enumValues).toBeUndefined();
});

test.each([
  ['resourceSpans of a request', REQUEST, 'resourceSpans', 0x0a],
  ['spans of a scope', SCOPE_SPANS, 'spans', 0x12],
  ['flags of a span', SPAN, 'flags', 0x85],
  ['the start time of a span', SPAN, 'startTimeUnixNano', 0x39],
])('the tag of the %s begins with its published byte', (_, spec, name, byte) => {
  expect((tagOf(field(spec, name)) & 0x7f) | (tagOf(field(spec, name)) > 0x7f ? 0x80 : 0)).toBe(byte);
});

test('a field that does not exist is our own mistake', () => {
  expect(() => field(SPAN, 'nonsense')).toThrow('proto/trace.proto: Span has no field nonsense');
});

test('the answers are there too', () => {
  expect(OTLP.lookupType('otlp.ExportTraceServiceResponse').fields).toHaveProperty('partialSuccess.id', 1);
  expect(RPC.nestedArray.length).toBeGreaterThan(0);
});

/** The schema's text read line by line, without the parser that src/otlp/schema.ts is built on. */
function declaredFields(text: string): Map<string, Row[]> {
  const messages = new Map<string, Row[]>();
  const open: string[] = [];
  const enums = new Set([...text.matchAll(/\benum (\w+)/g)].map(([, name]) => name));
  for (const line of text.split('\n')) {
    const [, block, blockName] = /^\s*(message|enum|oneof) (\w+) \{/.exec(line) ?? [];
    if (block !== undefined) open.push(`${block} ${blockName}`);
    if (block === 'message') messages.set(blockName as string, []);
    const [, repeated, type, name, number] = /^\s*(repeated )?(\w+) (\w+) = (\d+)/.exec(line) ?? [];
    const message = open.findLast((name) => name.startsWith('message '))?.slice('message '.length);
    if (name !== undefined && message !== undefined) {
      const declared = type as string;
      const kind = declared in WIRE_TYPES ? declared : enums.has(declared) ? 'enum' : 'message';
      const oneof = open.at(-1)?.startsWith('oneof ') === true;
      messages.get(message)?.push([name, Number(number), kind, WIRE_TYPES[kind] ?? -1, repeated !== undefined, oneof]);
    }
    if (/^\s*\}/.test(line)) open.pop();
  }
  return messages;
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
