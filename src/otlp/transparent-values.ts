import { ARRAY, ARRAY_VALUES, BOOL, DOUBLE, INT, KEY, KVLIST, LIST_VALUES, STRING, VALUE } from './any-value-fields';
import { VALUE_DEPTH_MAX } from './check';
import { JsonFault } from './json-fault';
import type { JsonScalars } from './json-scalars';
import type { JsonScanner } from './json-scanner';
import type { ProtoWriter } from './proto-writer';
import type { RequestLimits } from './request-limits';
import { type FieldSpec, field, type MessageSpec } from './schema';
import type { Members } from './transparent-members';

/** What reads and writes a request of transparent spans; `scalars` reads with the scanner and writes with the writer. */
export interface TransparentTools {
  readonly scanner: JsonScanner;
  readonly writer: ProtoWriter;
  readonly scalars: JsonScalars;
  readonly limits: RequestLimits;
}

/**
 * Attributes as JavaScript holds them: an object of plain JSON values. They are written as `writeKeyValue` would write
 * them, but from the text as it is read: once parsed, a list of a million empty lists would take many times its size.
 */
export class TransparentValues {
  readonly #tools: TransparentTools;

  constructor(tools: TransparentTools) {
    this.#tools = tools;
  }

  /** The member of the field's name, if there is one, as that field. */
  scalar(owner: Members, known: FieldSpec): void {
    owner.read(known.name, () => this.#tools.scalars.write(known));
  }

  /** The members `attributes` and `droppedAttributesCount`, as those fields of the message. */
  attributes(owner: Members, message: MessageSpec): void {
    owner.read('attributes', () => {
      if (this.#tools.scanner.next() !== 'object') throw new JsonFault('invalid_field', 'is not an object');
      this.#entries(field(message, 'attributes'), 0);
    });
    this.scalar(owner, field(message, 'droppedAttributesCount'));
  }

  /** A message in the field, with its tag and length. */
  message(known: FieldSpec, write: () => void): void {
    const { writer, limits } = this.#tools;
    limits.message();
    writer.tag(known);
    const mark = writer.beginMessage();
    write();
    writer.endMessage(mark);
  }

  #entries(known: FieldSpec, depth: number): void {
    const { scanner, scalars } = this.#tools;
    scanner.object((key) =>
      this.message(known, () => {
        scalars.text(KEY, key);
        this.message(VALUE, () => this.#value(depth));
      }),
    );
  }

  /** The next value as the content of an AnyValue; `null` is the empty one. Calls itself no deeper than values may be nested. */
  #value(depth: number): void {
    if (depth > VALUE_DEPTH_MAX) throw new JsonFault('too_deep', `is nested deeper than ${VALUE_DEPTH_MAX} levels`);
    const { scanner, scalars } = this.#tools;
    const type = scanner.next();
    if (type === 'string') scalars.write(STRING);
    else if (type === 'boolean') scalars.write(BOOL);
    else if (type === 'number') this.#number();
    else if (type === 'array') {
      this.message(ARRAY, () => scanner.array(() => this.message(ARRAY_VALUES, () => this.#value(depth + 1))));
    } else if (type === 'object') this.message(KVLIST, () => this.#entries(LIST_VALUES, depth + 1));
    else scanner.takeNull();
  }

  /** As JavaScript reads it: of an integer beyond 2^53 nobody knows whether its sender meant all its digits. */
  #number(): void {
    const { scanner, writer } = this.#tools;
    const value = Number(scanner.number());
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      writer.tag(INT);
      writer.varint64(BigInt(value));
    } else {
      writer.tag(DOUBLE);
      writer.double(value);
    }
  }
}
