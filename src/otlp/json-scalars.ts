import { deriveId, type OriginalIds, readId, TRACE_ID_BYTES } from './ids';
import { JsonFault, type JsonRepair } from './json-fault';
import { FORM_REPAIRS, ID_BYTES, ORIGINAL_NAMES } from './json-ids';
import { exactInteger, isInt32, isInt64, isUint32, isUint64 } from './json-numbers';
import { JSON_NUMBER, type JsonScanner } from './json-scanner';
import type { ProtoWriter } from './proto-writer';
import { ANY_VALUE, type FieldKind, type FieldSpec, field, SPAN } from './schema';

const KIND_FIELD = field(SPAN, 'kind');
const TRACE_ID_FIELD = field(SPAN, 'traceId');
const PARENT_FIELD = field(SPAN, 'parentSpanId');
const STRING_VALUE = field(ANY_VALUE, 'stringValue');
const BOOL_VALUE = field(ANY_VALUE, 'boolValue');
const INT_VALUE = field(ANY_VALUE, 'intValue');
const DOUBLE_VALUE = field(ANY_VALUE, 'doubleValue');

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const SPECIAL_DOUBLES = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** What a value should be that is not of its field's kind; the other kinds are integers, named by their range. */
const FAULT_TEXTS: Readonly<Partial<Record<FieldKind, string>>> = {
  string: 'is not a text',
  bytes: 'is not base64',
  bool: 'is not true or false',
  double: 'is not a number',
  enum: 'is neither a number nor a name of its enumeration',
  fixed64: 'is not a whole number of nanoseconds since 1970',
  fixed32: 'is not an integer of uint32',
};

const REPLACEMENT = Buffer.from('\ufffd');

export interface JsonReadOptions {
  /** Which repairs are switched on; what one that is off would have mended is a fault. */
  allowed: (repair: JsonRepair) => boolean;
  /** The body was not UTF-8 and was decoded with U+FFFD: a string that holds one counts as repaired. */
  replaced: boolean;
}

/** What was read otherwise than it was written. */
export interface Mended {
  readonly repairs: Set<JsonRepair>;
  readonly originalIds: OriginalIds;
}

/** Reads one JSON scalar and writes it as the protobuf field it belongs to. */
export class JsonScalars {
  readonly #scanner: JsonScanner;
  readonly #writer: ProtoWriter;
  readonly #options: JsonReadOptions;
  #mended: Mended = { repairs: new Set(), originalIds: {} };

  constructor(scanner: JsonScanner, writer: ProtoWriter, options: JsonReadOptions) {
    this.#scanner = scanner;
    this.#writer = writer;
    this.#options = options;
  }

  /** An id was derived since this was unset. */
  hasDerivedId = false;

  /** What is mended from now on is told in what is returned. */
  collect(): Mended {
    this.#mended = { repairs: new Set(), originalIds: {} };
    return this.#mended;
  }

  /** Notes a repair, or throws the fault where it is switched off. */
  repair(repair: JsonRepair, otherwise: () => JsonFault): void {
    if (!this.#options.allowed(repair)) throw otherwise();
    this.#mended.repairs.add(repair);
  }

  /** The field with its tag; a value that is not of its type is repaired or throws a JsonFault. */
  write(known: FieldSpec): void {
    const type = this.#scanner.next();
    const start = this.#scanner.pos;
    const mark = this.#writer.pos;
    const idBytes = known.kind === 'bytes' ? ID_BYTES.get(known) : undefined;
    if (known.kind === 'string' && type === 'string') this.#text(known);
    else if (idBytes !== undefined) this.#id(known, idBytes);
    else if (!this.#scalarValue(known)) {
      this.#writer.pos = mark;
      this.#scanner.pos = start;
      this.#mend(known);
    }
  }

  /** Writes the value with its tag; false when it is not one of the field's type. */
  #scalarValue(known: FieldSpec): boolean {
    const writer = this.#writer;
    const type = this.#scanner.next();
    if (known.kind === 'bool') {
      if (type !== 'boolean') return false;
      writer.tag(known);
      writer.varint(this.#scanner.boolean() ? 1 : 0);
      return true;
    }
    if (type !== 'string' && type !== 'number') return false;
    if (known.kind === 'string') return false;
    const text = type === 'string' ? this.#scanner.string() : this.#scanner.number();
    const mark = writer.pos;
    writer.tag(known);
    if (known.kind === 'bytes') return type === 'string' && this.#base64(text);
    if (known.kind === 'double') return this.#double(text, type === 'string');
    const integer = known.enumValues?.get(text) ?? exactInteger(text);
    if (integer === undefined) return false;
    const isInteger = this.#integer(known, BigInt(integer));
    // A time of zero is one that is absent; written out, Langfuse takes it for 1970.
    if (known.kind === 'fixed64' && isInteger && BigInt(integer) === 0n) writer.pos = mark;
    return isInteger;
  }

  #integer(known: FieldSpec, value: bigint): boolean {
    const writer = this.#writer;
    if (known.kind === 'fixed64') {
      if (isUint64(value)) writer.fixed64(value);
      return isUint64(value);
    }
    if (known.kind === 'fixed32' || known.kind === 'uint32') {
      if (!isUint32(value)) return false;
      if (known.kind === 'fixed32') writer.fixed32(Number(value));
      else writer.varint(Number(value));
      return true;
    }
    const inRange = known.kind === 'int64' ? isInt64(value) : isInt32(value);
    if (inRange) writer.varint64(value);
    return inRange;
  }

  #double(text: string, quoted: boolean): boolean {
    const special = quoted ? SPECIAL_DOUBLES.get(text) : undefined;
    if (special === undefined && !JSON_NUMBER.test(text)) return false;
    this.#writer.double(special ?? Number(text));
    return true;
  }

  #base64(text: string): boolean {
    // Node's decoder takes any text, so the text is looked at first.
    if (!BASE64.test(text)) return false;
    const letters = text.replace(/=+$/, '').length;
    if (letters % 4 === 1) return false;
    this.#writer.bytes(Buffer.from(text, 'base64'));
    return true;
  }

  #text(known: FieldSpec): void {
    const plain = this.#scanner.plainString();
    if (plain === undefined) this.text(known, this.#scanner.string());
    else {
      const { bytes } = this.#scanner;
      this.#writer.tag(known);
      this.#writer.bytes(bytes, plain.start, plain.end);
      if (this.#options.replaced && bytes.subarray(plain.start, plain.end).includes(REPLACEMENT)) this.#notUtf8();
    }
  }

  /** The field with its tag, of a text that was read already. */
  text(known: FieldSpec, text: string): void {
    this.#writer.tag(known);
    this.#writer.string(text);
    // Half of a surrogate pair, which only an escape can write, is no character; UTF-8 cannot hold it.
    if (!text.isWellFormed() || (this.#options.replaced && text.includes('\ufffd'))) this.#notUtf8();
  }

  #notUtf8(): void {
    this.repair('invalid_utf8', () => new JsonFault('invalid_field', 'is not valid UTF-8'));
  }

  #id(known: FieldSpec, length: number): void {
    if (this.#scanner.next() !== 'string') {
      if (known !== PARENT_FIELD) throw notAnId(known, length);
      const { pos } = this.#scanner;
      this.#scanner.skip();
      this.#noteOriginal(known, this.#scanner.bytes.toString('utf8', pos, this.#scanner.pos).trim());
      this.repair('parent_unreadable', () => notAnId(known, length));
      return;
    }
    const text = this.#scanner.string();
    if (text === '') return;
    const id = readId(text, length);
    const repair = id === undefined ? undefined : FORM_REPAIRS[id.form];
    if (repair !== undefined) this.repair(repair, () => notAnId(known, length));
    const bytes = id?.bytes ?? this.#unreadableId(known, text, length);
    if (bytes === undefined) return;
    this.#writer.tag(known);
    this.#writer.bytes(bytes);
  }

  /** Derived where that is switched on, else none for a parent; any other id is a fault. */
  #unreadableId(known: FieldSpec, text: string, length: number): Buffer | undefined {
    this.#noteOriginal(known, text);
    if (this.#options.allowed('id_derived')) {
      this.hasDerivedId = true;
      this.repair('id_derived', () => notAnId(known, length));
      return deriveId(text, length);
    }
    if (known !== PARENT_FIELD) throw notAnId(known, length);
    this.repair('parent_unreadable', () => notAnId(known, length));
    return undefined;
  }

  #noteOriginal(known: FieldSpec, text: string): void {
    const name = ORIGINAL_NAMES.get(known);
    if (name !== undefined) this.#mended.originalIds[name] = text;
  }

  /** The link that was read last, as it was written. */
  noteLink(json: string): void {
    const { originalIds } = this.#mended;
    originalIds.links ??= [];
    originalIds.links.push(json);
  }

  /** The value is not of the field's type: an attribute's is kept as what it is, a span kind becomes unspecified. */
  #mend(known: FieldSpec): void {
    const fault = () => new JsonFault('invalid_field', FAULT_TEXTS[known.kind] ?? `is not an integer of ${known.kind}`);
    if (known === KIND_FIELD) {
      this.repair('kind_unknown', fault);
      this.#scanner.skip();
      return;
    }
    const actual = known.oneof ? this.#actualField() : undefined;
    if (actual === undefined) throw fault();
    this.repair('attribute_retyped', fault);
    this.write(actual);
  }

  /** The AnyValue member that the next JSON value fits by itself. */
  #actualField(): FieldSpec | undefined {
    const type = this.#scanner.next();
    if (type === 'string') return STRING_VALUE;
    if (type === 'boolean') return BOOL_VALUE;
    if (type !== 'number') return undefined;
    const { pos } = this.#scanner;
    const integer = exactInteger(this.#scanner.number());
    this.#scanner.pos = pos;
    return integer !== undefined && isInt64(integer) ? INT_VALUE : DOUBLE_VALUE;
  }
}

function notAnId(known: FieldSpec, length: number): JsonFault {
  const reason = known === TRACE_ID_FIELD ? 'invalid_trace_id' : 'invalid_span_id';
  const forms = length === TRACE_ID_BYTES ? ', a UUID, or' : ', or';
  return new JsonFault(reason, `is not an id: ${length * 2} hex digits${forms} base64 of ${length} bytes`);
}
