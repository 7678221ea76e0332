import { jsonText } from '../otlp/any-value';
import { isZero } from '../otlp/bytes';
import { TRAITS } from '../otlp/check';
import { eachField } from '../otlp/each-field';
import type { SpanEdit, SpanRange } from '../otlp/edit-span';
import { deriveId, type IdForm, idText, type OriginalIds, readId, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../otlp/ids';
import { ProtoWriter } from '../otlp/proto-writer';
import { type FieldSpec, field, LINK, SPAN } from '../otlp/schema';
import { readLinks } from '../otlp/span-parts';
import type { RepairName } from './repairs';

const TRACE_ID = field(SPAN, 'traceId').number;
const SPAN_ID = field(SPAN, 'spanId').number;
const PARENT_ID = field(SPAN, 'parentSpanId').number;
const LINK_IDS: readonly (readonly [known: FieldSpec, bytes: number])[] = [
  [field(LINK, 'traceId'), TRACE_ID_BYTES],
  [field(LINK, 'spanId'), SPAN_ID_BYTES],
];

/** In protobuf an id is bytes, so that any text is a mistake of the sender, hex too. */
const FORM_REPAIRS: Readonly<Record<IdForm, RepairName>> = { hex: 'id_text', base64: 'id_base64', uuid: 'id_uuid' };

/** What calls for `mendIds`. */
export const ID_TRAITS =
  TRAITS.traceIdInvalid | TRAITS.spanIdInvalid | TRAITS.parentZero | TRAITS.parentUnreadable | TRAITS.linkIdUnreadable;

export interface MendedIds {
  readonly edit: SpanEdit;
  /** Those of the span that are left. */
  readonly traits: number;
  readonly repairs: ReadonlySet<RepairName>;
  readonly originalIds: OriginalIds;
}

/** The one reading of ids, for those that came as bytes of another length: see `readId`. */
export function mendIds(
  bytes: Buffer,
  range: SpanRange,
  traits: number,
  enabled: (repair: RepairName) => boolean,
): MendedIds {
  const mender = new Mender(enabled);
  const { edit, originalIds, repairs } = mender;
  const { traceId, spanId, parentSpanId } = idFields(bytes, range);
  let left = traits;
  edit.traceId = mender.mend(traceId, TRACE_ID_BYTES, (original) => (originalIds.traceId = original));
  if (isId(edit.traceId)) left &= ~TRAITS.traceIdInvalid;
  edit.spanId = mender.mend(spanId, SPAN_ID_BYTES, (original) => (originalIds.spanId = original));
  if (isId(edit.spanId)) left &= ~TRAITS.spanIdInvalid;
  edit.parentSpanId = mender.mend(parentSpanId, SPAN_ID_BYTES, (original) => (originalIds.parentSpanId = original));
  mender.dropParent(edit.parentSpanId ?? parentSpanId);
  if ((traits & TRAITS.linkIdUnreadable) !== 0) edit.link = (message) => mender.link(message);
  return { edit, traits: left, repairs, originalIds };
}

const isId = (mended: Buffer | undefined) => mended !== undefined && !isZero(mended);

class Mender {
  readonly edit: SpanEdit = {};
  readonly originalIds: OriginalIds = {};
  readonly repairs = new Set<RepairName>();
  readonly #enabled: (repair: RepairName) => boolean;

  constructor(enabled: (repair: RepairName) => boolean) {
    this.#enabled = enabled;
  }

  /** The id in the right form; `undefined` where it has it already, is none, or cannot be read. */
  mend(raw: Buffer | undefined, length: number, onDerived: (original: string) => void): Buffer | undefined {
    if (raw === undefined || raw.length === 0 || raw.length === length) return undefined;
    const read = readId(raw.toString('latin1'), length);
    if (read !== undefined) return this.#may(FORM_REPAIRS[read.form]) ? read.bytes : undefined;
    if (!this.#may('id_derived')) return undefined;
    onDerived(idText(raw));
    return deriveId(raw, length);
  }

  /** A parent of zeros is none, in whatever form it came. */
  dropParent(id: Buffer | undefined): void {
    if (id === undefined || id.length === 0) return;
    if (id.length !== SPAN_ID_BYTES) {
      if (!this.#may('parent_unreadable')) return;
      this.edit.parentSpanId = null;
      this.originalIds.parentSpanId = idText(id);
    } else if (isZero(id) && this.#may('parent_zero')) this.edit.parentSpanId = null;
  }

  /** The link with its ids in the right form, or `undefined` where that cannot be. */
  link(message: Buffer): Buffer | undefined {
    const fresh = new Map<number, Buffer>();
    let isOdd = false;
    let isUnreadable = false;
    for (const [number, { raw, length }] of linkIds(message)) {
      if (raw.length === 0 || raw.length === length) continue;
      const id = this.mend(raw, length, () => {
        isOdd = true;
      });
      if (id === undefined) isUnreadable = true;
      else fresh.set(number, id);
    }
    const isDropped = isUnreadable && this.#may('link_dropped');
    if (isDropped || isOdd) {
      this.originalIds.links ??= [];
      this.originalIds.links.push(linkJson(message));
    }
    return isDropped ? undefined : withIds(message, fresh);
  }

  #may(repair: RepairName): boolean {
    const may = this.#enabled(repair);
    if (may) this.repairs.add(repair);
    return may;
  }
}

interface IdFields {
  traceId?: Buffer;
  spanId?: Buffer;
  parentSpanId?: Buffer;
}

/** Of a field that is there several times the last one counts. */
function idFields(bytes: Buffer, { start, end }: SpanRange): IdFields {
  const ids: IdFields = {};
  eachField(bytes, start, end, (reader, number) => {
    if (number !== TRACE_ID && number !== SPAN_ID && number !== PARENT_ID) return false;
    const length = reader.uint32();
    const id = bytes.subarray(reader.pos, reader.pos + length);
    reader.pos += length;
    if (number === TRACE_ID) ids.traceId = id;
    else if (number === SPAN_ID) ids.spanId = id;
    else ids.parentSpanId = id;
    return true;
  });
  return ids;
}

/** By field number; of a field that is there several times the last one counts. */
function linkIds(message: Buffer): ReadonlyMap<number, { raw: Buffer; length: number }> {
  const ids = new Map<number, { raw: Buffer; length: number }>();
  eachField(message, 0, message.length, (reader, number) => {
    const length = LINK_IDS.find(([known]) => known.number === number)?.[1];
    if (length === undefined) return false;
    const size = reader.uint32();
    ids.set(number, { raw: message.subarray(reader.pos, reader.pos + size), length });
    reader.pos += size;
    return true;
  });
  return ids;
}

const shownId = (id: Buffer, length: number) => (id.length === length ? id.toString('hex') : idText(id));

/** All that the link says, as it would be written in OTLP JSON but for its attributes, which are an object. */
function linkJson(message: Buffer): string {
  const [link] = readLinks(message, [0, message.length]);
  const [traceId, spanId] = LINK_IDS.map(([known]) => linkIds(message).get(known.number)?.raw);
  const { attributes = {}, droppedAttributesCount = 0, context } = link!;
  return jsonText({
    ...(traceId === undefined ? {} : { traceId: shownId(traceId, TRACE_ID_BYTES) }),
    ...(spanId === undefined ? {} : { spanId: shownId(spanId, SPAN_ID_BYTES) }),
    ...(context.traceState === undefined ? {} : { traceState: context.traceState.serialize() }),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    ...(droppedAttributesCount === 0 ? {} : { droppedAttributesCount }),
  });
}

/** Behind the fields as they came: of equal fields the last one counts. */
function withIds(message: Buffer, ids: ReadonlyMap<number, Buffer>): Buffer {
  const writer = new ProtoWriter(message.length + 32);
  writer.raw(message);
  for (const [known] of LINK_IDS) {
    const id = ids.get(known.number);
    if (id === undefined) continue;
    writer.tag(known);
    writer.bytes(id);
  }
  return writer.finish();
}
