import { join } from 'node:path';
import protobuf from 'protobufjs';

/**
 * The messages of proto/*.proto as tables, so that the field numbers stand in one place only: the protobuf scan,
 * the JSON reader and the rewriter are all driven by them. The files are read once, at start.
 */
export const OTLP = load('trace.proto');
export const RPC = load('status.proto');

/** Protobuf wire types (https://protobuf.dev/programming-guides/encoding/#structure). */
export const VARINT = 0;
export const FIXED64 = 1;
export const LEN = 2;
export const GROUP_START = 3;
export const GROUP_END = 4;
export const FIXED32 = 5;

export type FieldKind =
  | 'string'
  | 'bytes'
  | 'message'
  | 'enum'
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'fixed32'
  | 'fixed64'
  | 'double';

export interface FieldSpec {
  /** lowerCamelCase, as in OTLP/JSON. */
  readonly name: string;
  readonly number: number;
  readonly wireType: number;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** Member of a oneof: setting it unsets the others. */
  readonly oneof: boolean;
  /** Only for kind `message`. */
  readonly message: MessageSpec | undefined;
  /** Only for kind `enum`: number by name. */
  readonly enumValues: ReadonlyMap<string, number> | undefined;
}

export interface MessageSpec {
  readonly name: string;
  readonly byNumber: readonly (FieldSpec | undefined)[];
  /** By lowerCamelCase name and by original snake_case name: opentelemetry-cpp sends the latter by default. */
  readonly byName: ReadonlyMap<string, FieldSpec>;
}

const WIRE_TYPES: Record<FieldKind, number> = {
  string: LEN,
  bytes: LEN,
  message: LEN,
  enum: VARINT,
  bool: VARINT,
  int32: VARINT,
  uint32: VARINT,
  int64: VARINT,
  fixed32: FIXED32,
  fixed64: FIXED64,
  double: FIXED64,
};

const specs = new Map<string, MessageSpec>();

export const REQUEST = spec('ExportTraceServiceRequest');
export const RESOURCE_SPANS = spec('ResourceSpans');
export const RESOURCE = spec('Resource');
export const SCOPE_SPANS = spec('ScopeSpans');
export const SCOPE = spec('InstrumentationScope');
export const SPAN = spec('Span');
export const EVENT = spec('Span.Event');
export const LINK = spec('Span.Link');
export const STATUS = spec('Status');
export const KEY_VALUE = spec('KeyValue');
export const ANY_VALUE = spec('AnyValue');
export const ARRAY_VALUE = spec('ArrayValue');
export const KEY_VALUE_LIST = spec('KeyValueList');

/** Field numbers by name, for code that reads or writes one field: `field(SPAN, 'traceId').number`. */
export function field(message: MessageSpec, name: string): FieldSpec {
  const found = message.byName.get(name);
  if (found === undefined) throw new Error(`proto/trace.proto: ${message.name} has no field ${name}`);
  return found;
}

/** All names that a field of a request may have in JSON. */
export const fieldNames = (): string[] => [...specs.values()].flatMap(({ byName }) => [...byName.keys()]);

/** The first bytes of a field on the wire: number and wire type as one varint of at most two bytes. */
export const tagOf = ({ number, wireType }: FieldSpec) => (number << 3) | wireType;

function spec(name: string): MessageSpec {
  return specOf(OTLP.lookupType(`otlp.${name}`));
}

function specOf(type: protobuf.Type): MessageSpec {
  const known = specs.get(type.fullName);
  if (known !== undefined) return known;
  const byNumber: (FieldSpec | undefined)[] = [];
  const byName = new Map<string, FieldSpec>();
  const message = { name: type.name, byNumber, byName };
  // Registered before its fields are read: AnyValue holds itself.
  specs.set(type.fullName, message);
  for (const declared of type.fieldsArray) {
    const read = fieldOf(declared.resolve());
    byNumber[read.number] = read;
    byName.set(read.name, read);
    byName.set(snakeCase(read.name), read);
  }
  return message;
}

function fieldOf(declared: protobuf.Field): FieldSpec {
  const { resolvedType } = declared;
  const isEnum = resolvedType instanceof protobuf.Enum;
  const kind = resolvedType === null ? (declared.type as FieldKind) : isEnum ? 'enum' : 'message';
  return {
    name: declared.name,
    number: declared.id,
    wireType: WIRE_TYPES[kind],
    kind,
    repeated: declared.repeated,
    oneof: declared.partOf !== null,
    message: resolvedType instanceof protobuf.Type ? specOf(resolvedType) : undefined,
    enumValues: isEnum ? new Map(Object.entries(resolvedType.values)) : undefined,
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function load(file: string): protobuf.Root {
  // proto/ lies beside src/ and beside dist/ alike.
  return protobuf.loadSync(join(__dirname, '..', '..', 'proto', file));
}
