import { readAttribute } from './attribute-fields';
import { ProtoWriter } from './proto-writer';
import { field, type MessageSpec, RESOURCE, SCOPE } from './schema';
import { WireCursor } from './wire-cursor';

/** By whose they are: the number of the field of its attributes. */
const ATTRIBUTES: ReadonlyMap<MessageSpec | undefined, number> = new Map([
  [RESOURCE, field(RESOURCE, 'attributes').number],
  [SCOPE, field(SCOPE, 'attributes').number],
]);

/**
 * The fields of a ResourceSpans or ScopeSpans around its spans, without the attributes of some keys in its resource or scope,
 * however often they are there. What stays, stays byte for byte; where nothing goes it is the very same buffer. It must have
 * passed the check.
 */
export function headWithoutAttributes(message: MessageSpec, head: Buffer, isToGo: (key: string) => boolean): Buffer {
  const writer = new ProtoWriter(head.length);
  const cursor = new WireCursor(head);
  let isChanged = false;
  while (cursor.pos < head.length) {
    const at = cursor.pos;
    const tag = cursor.tag(head.length);
    const known = message.byNumber[tag >>> 3];
    const number = ATTRIBUTES.get(known?.message);
    if (known === undefined || number === undefined) {
      cursor.skip(tag & 7, tag >>> 3, head.length);
      writer.raw(head, at, cursor.pos);
      continue;
    }
    const end = cursor.len(head.length);
    const owner = head.subarray(cursor.pos, end);
    const left = withoutAttributes(owner, number, isToGo);
    cursor.pos = end;
    if (left === owner) writer.raw(head, at, end);
    else {
      isChanged = true;
      writer.tag(known);
      writer.bytes(left);
    }
  }
  return isChanged ? writer.finish() : head;
}

function withoutAttributes(owner: Buffer, number: number, isToGo: (key: string) => boolean): Buffer {
  const kept: Buffer[] = [];
  const cursor = new WireCursor(owner);
  let from = 0;
  while (cursor.pos < owner.length) {
    const at = cursor.pos;
    const tag = cursor.tag(owner.length);
    cursor.skip(tag & 7, tag >>> 3, owner.length);
    if (tag >>> 3 !== number || !isToGo(readAttribute(owner, at, cursor.pos).key)) continue;
    kept.push(owner.subarray(from, at));
    from = cursor.pos;
  }
  return from === 0 ? owner : Buffer.concat([...kept, owner.subarray(from)]);
}
