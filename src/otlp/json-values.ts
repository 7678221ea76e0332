import { VALUE_DEPTH_MAX } from './check';
import { JsonFault } from './json-fault';
import { type JsonReadOptions, JsonScalars, type Mended } from './json-scalars';
import type { JsonScanner } from './json-scanner';
import type { ProtoWriter } from './proto-writer';
import type { RequestLimits } from './request-limits';
import { ANY_VALUE, EVENT, type FieldSpec, field, KEY_VALUE, LINK, type MessageSpec, SPAN } from './schema';

const VALUE_FIELD = field(KEY_VALUE, 'value');
const LINKS_FIELD = field(SPAN, 'links');
/**
 * Reads the JSON form of OTLP messages, below the level of spans, and writes them as protobuf (proto3 JSON mapping, with
 * OTLP's exceptions). A value that cannot be read throws a JsonFault; a syntax error throws a GatewayError.
 */
export class JsonValues {
  readonly #limits: RequestLimits;
  readonly #scanner: JsonScanner;
  readonly #writer: ProtoWriter;
  readonly #scalars: JsonScalars;
  #depth = 0;

  constructor(scanner: JsonScanner, writer: ProtoWriter, options: JsonReadOptions & { limits: RequestLimits }) {
    this.#limits = options.limits;
    this.#scanner = scanner;
    this.#writer = writer;
    this.#scalars = new JsonScalars(scanner, writer, options);
  }

  /** What is mended from now on is told in what is returned. */
  collect(): Mended {
    this.#depth = 0;
    return this.#scalars.collect();
  }

  /** The fields of one message; the caller writes its tag and length. */
  message(spec: MessageSpec): void {
    if (this.#scanner.next() !== 'object') throw new JsonFault('invalid_field', 'is not an object');
    let valueSeen = false;
    const start = this.#writer.pos;
    this.#scanner.object((key) => {
      const known = spec.byName.get(key);
      if (known === undefined) this.#scanner.skip();
      else if (!this.#scanner.takeNull()) {
        // Of a oneof's members the last one counts, so an earlier one is taken back.
        if (known.oneof) this.#writer.pos = start;
        if (known === VALUE_FIELD) valueSeen = true;
        this.#field(known, key);
      }
    });
    if (spec === KEY_VALUE && !valueSeen) {
      this.#scalars.repair('attribute_value_absent', () => new JsonFault('invalid_field', 'has no value'));
      this.#writer.tag(VALUE_FIELD);
      this.#writer.varint(0);
    }
  }

  /** One field that is not repeated, with its tag. */
  singular(known: FieldSpec): void {
    if (this.#scanner.takeNull()) return;
    if (known.message !== undefined) this.#submessage(known, known.message);
    else this.#scalars.write(known);
  }

  #field(known: FieldSpec, key: string): void {
    try {
      if (!known.repeated) {
        this.singular(known);
        return;
      }
      if (this.#scanner.next() !== 'array') throw new JsonFault('invalid_field', 'is not an array');
      this.#scanner.array((index) => this.#element(known, index));
    } catch (fault) {
      throw fault instanceof JsonFault ? fault.within(key) : fault;
    }
  }

  #element(known: FieldSpec, index: number): void {
    const { pos } = this.#scanner;
    const mark = this.#writer.pos;
    const depth = this.#depth;
    let isOdd = false;
    if (known === LINKS_FIELD) this.#scalars.hasDerivedId = false;
    try {
      this.singular(known);
      isOdd = this.#scalars.hasDerivedId;
    } catch (error) {
      if (!(error instanceof JsonFault)) throw error;
      const fault = error.within(`[${index}]`);
      // A link whose ids cannot be read costs the link, not the span.
      if (known !== LINKS_FIELD || fault.reason === 'too_deep') throw fault;
      this.#scalars.repair('link_dropped', () => fault);
      this.#writer.pos = mark;
      this.#scanner.pos = pos;
      this.#depth = depth;
      this.#scanner.skip();
      isOdd = true;
    }
    if (known === LINKS_FIELD && isOdd)
      this.#scalars.noteLink(this.#scanner.bytes.toString('utf8', pos, this.#scanner.pos).trim());
  }

  #submessage(known: FieldSpec, message: MessageSpec): void {
    if (message === ANY_VALUE && ++this.#depth > VALUE_DEPTH_MAX + 1) {
      throw new JsonFault('too_deep', `is nested deeper than ${VALUE_DEPTH_MAX} levels`);
    }
    this.#limits.message();
    if (message === EVENT || message === LINK) this.#limits.detail();
    this.#writer.tag(known);
    const mark = this.#writer.beginMessage();
    this.message(message);
    this.#writer.endMessage(mark);
    if (message === ANY_VALUE) this.#depth--;
  }
}
