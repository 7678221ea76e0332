import { readValue } from './any-value';
import { assembleRequest } from './assemble';
import { readAttribute } from './attribute-fields';
import { KeyWatch, type WatchedKey } from './key-watch';
import { PLAIN_KEY_AT, plainKeyBytes } from './plain-key';
import { ProtoWriter } from './proto-writer';
import type { ScannedRequest, ScannedSpan, ScopeGroup } from './scan';
import { field, LEN, SCOPE_SPANS, SPAN, STATUS, tagOf, VARINT } from './schema';
import { WireCursor } from './wire-cursor';

const SPANS = field(SCOPE_SPANS, 'spans');
const ATTRIBUTES_TAG = tagOf(field(SPAN, 'attributes'));
const NAME = field(SPAN, 'name');
const NAME_TAG = tagOf(NAME);
const STATUS_FIELD = field(SPAN, 'status');
const STATUS_TAG = tagOf(STATUS_FIELD);
const STATUS_CODE = field(STATUS, 'code');
const STATUS_CODE_TAG = tagOf(STATUS_CODE);
/** Of all fields that are numbers. */
const NUMBER_TAGS = new Set(
  SPAN.byNumber.flatMap((known) => (known === undefined || known.wireType === LEN ? [] : tagOf(known))),
);
const ID_TAGS = new Set(['traceId', 'spanId', 'parentSpanId'].map((name) => tagOf(field(SPAN, name))));

/** An attribute that is larger says more than it should, and a name that is longer is cut. */
const FIELD_BYTES_MAX = 4096;
const CHARACTER_BYTES_MAX = 4;
const HEAD_BYTES_MAX = 16 * 1024;
/** A key with one of the prefixes counts something: its value is a number, or the text of one. */
const NUMBER = /^[-+.\deE]{0,32}$/;
/** Kept from request to request. */
const SCRATCH_BYTES = 256 * 1024;

/** Takes the payload out of spans: what stays is an ExportTraceServiceRequest like any other. */
export class RequestReducer {
  readonly #watch: KeyWatch;
  readonly #keys: ReadonlySet<string>;
  readonly #prefixes: readonly string[];
  #scratch = new ProtoWriter(SCRATCH_BYTES);
  #isKept = false;
  #isCount = false;
  readonly #found = ([wanted]: readonly WatchedKey[]) => {
    if (wanted?.isPrefix) this.#isCount = true;
    else this.#isKept = true;
  };

  constructor({ keys, prefixes }: { keys: readonly string[]; prefixes: readonly string[] }) {
    this.#keys = new Set(keys);
    this.#prefixes = prefixes;
    this.#watch = new KeyWatch([
      ...[...this.#keys].map((key) => ({ key, bit: 1 })),
      ...prefixes.map((key) => ({ key, isPrefix: true, bit: 1 })),
    ]);
  }

  /**
   * Ids, name, times, kind, flags, counts, status code, the attributes of these keys, and those with one of the prefixes that
   * are numbers, under resources and scopes as they came. Events, links, trace state and the status' message are left out. The request must have passed the check.
   */
  reduce({ bytes, spans }: Pick<ScannedRequest, 'bytes' | 'spans'>): Buffer {
    const writer = this.#scratch;
    writer.pos = 0;
    const ends = spans.map((span) => {
      this.#span(bytes, span, writer);
      return writer.pos;
    });
    const written = writer.view();
    if (writer.pos > SCRATCH_BYTES) this.#scratch = new ProtoWriter(SCRATCH_BYTES);
    const scopes = new Map<ScopeGroup, ScopeGroup>();
    const parts = spans.map(({ scope }, at) => {
      const start = at === 0 ? 0 : ends[at - 1]!;
      return { scope: withSmallHeads(scope, scopes), bytes: written, start, end: ends[at]! };
    });
    // A copy, too, of what shares the scratch's memory.
    return Buffer.concat(assembleRequest(parts));
  }

  #span(bytes: Buffer, { start, end }: ScannedSpan, writer: ProtoWriter): void {
    const cursor = new WireCursor(bytes);
    cursor.pos = start;
    writer.tag(SPANS);
    const mark = writer.beginMessage();
    // What stays is mostly next to each other, and copied at once.
    let from = start;
    while (cursor.pos < end) {
      const at = cursor.pos;
      const tag = cursor.tag(end);
      if ((tag & 7) !== LEN) {
        cursor.skip(tag & 7, tag >>> 3, end);
        if (NUMBER_TAGS.has(tag)) continue;
        // Nobody knows what is in it: in a group there may be texts.
        writer.raw(bytes, from, at);
        from = cursor.pos;
        continue;
      }
      const fieldEnd = cursor.len(end);
      if (!this.#staysWhole(bytes, tag, at, cursor.pos, fieldEnd)) {
        writer.raw(bytes, from, at);
        from = fieldEnd;
        if (tag === NAME_TAG) {
          writer.tag(NAME);
          writer.bytes(bytes, cursor.pos, cutAt(bytes, cursor.pos, fieldEnd));
        } else if (tag === STATUS_TAG) writeStatusCode(bytes, cursor.pos, fieldEnd, writer);
      }
      cursor.pos = fieldEnd;
    }
    writer.raw(bytes, from, end);
    writer.endMessage(mark);
  }

  /** Of a field with a length. */
  #staysWhole(bytes: Buffer, tag: number, fieldStart: number, start: number, end: number): boolean {
    if (tag === ATTRIBUTES_TAG)
      return end - fieldStart <= FIELD_BYTES_MAX && this.#keeps(bytes, fieldStart, start, end);
    if (tag === NAME_TAG) return end - start <= FIELD_BYTES_MAX;
    return ID_TAGS.has(tag);
  }

  #keeps(bytes: Buffer, fieldStart: number, start: number, end: number): boolean {
    const length = plainKeyBytes(bytes, start, end);
    if (length === 0) {
      const { key, valueStart, valueEnd } = readAttribute(bytes, fieldStart, end);
      const isCount = this.#prefixes.some((prefix) => key.startsWith(prefix));
      return this.#keys.has(key) || (isCount && isNumber(bytes, valueStart, valueEnd));
    }
    this.#isKept = false;
    this.#isCount = false;
    this.#watch.look(bytes, start + PLAIN_KEY_AT, length, this.#found);
    if (this.#isKept || !this.#isCount) return this.#isKept;
    const { valueStart, valueEnd } = readAttribute(bytes, fieldStart, end);
    return isNumber(bytes, valueStart, valueEnd);
  }
}

/** What counts something may come as text. */
function isNumber(bytes: Buffer, start: number, end: number): boolean {
  const value = readValue(bytes, start, end);
  if (typeof value === 'string') return NUMBER.test(value);
  return typeof value === 'number' || typeof value === 'boolean';
}

/** Resource and scope stay as they came, unless they are far larger than they ever need to be: then they say nothing. */
function withSmallHeads(scope: ScopeGroup, known: Map<ScopeGroup, ScopeGroup>): ScopeGroup {
  const { resource } = scope;
  if (scope.head.length <= HEAD_BYTES_MAX && resource.head.length <= HEAD_BYTES_MAX) return scope;
  const small = known.get(scope) ?? {
    ...scope,
    head: smallHead(scope.head),
    resource: { ...resource, head: smallHead(resource.head) },
  };
  known.set(scope, small);
  return small;
}

const NOTHING = Buffer.alloc(0);
const smallHead = (head: Buffer) => (head.length <= HEAD_BYTES_MAX ? head : NOTHING);

/** Not in the middle of a character, where it is UTF-8: whether it is mended can be switched off. */
function cutAt(bytes: Buffer, start: number, end: number): number {
  const limit = start + FIELD_BYTES_MAX;
  if (end <= limit) return end;
  for (let at = limit; at > limit - CHARACTER_BYTES_MAX; at--) if ((bytes[at]! & 0xc0) !== 0x80) return at;
  return limit;
}

/** Of a message that comes in parts, too, the last code counts. */
function writeStatusCode(bytes: Buffer, start: number, end: number, writer: ProtoWriter): void {
  const cursor = new WireCursor(bytes);
  cursor.pos = start;
  writer.tag(STATUS_FIELD);
  const mark = writer.beginMessage();
  while (cursor.pos < end) {
    const at = cursor.pos;
    const tag = cursor.tag(end);
    cursor.skip(tag & 7, tag >>> 3, end);
    if (tag === STATUS_CODE_TAG && (tag & 7) === VARINT) writer.raw(bytes, at, cursor.pos);
  }
  writer.endMessage(mark);
}
