import { ANY_VALUE, LEN, type MessageSpec } from './schema';
import { WireCursor } from './wire-cursor';

/** A value of JavaScript takes some fifty bytes or more, and on the wire two. */
const VALUES_MAX = 100_000;

/** How many values may still be decoded into objects. What does not fit is read as its JSON text. */
export class ValueRoom {
  #left = VALUES_MAX;

  /**
   * Takes the room for the values within the AnyValue between `start` and `end`, which must have passed the check; false where
   * there is too little. One that holds no others needs none.
   */
  take(bytes: Buffer, start: number, end: number): boolean {
    const cursor = new WireCursor(bytes);
    cursor.pos = start;
    const left = roomBehind(cursor, ANY_VALUE, end, this.#left);
    if (left < 0) return false;
    this.#left = left;
    return true;
  }
}

/** Less than none ends the count. Calls itself no deeper than values may be nested. */
function roomBehind(cursor: WireCursor, spec: MessageSpec, end: number, room: number): number {
  let left = room;
  while (cursor.pos < end && left >= 0) {
    const tag = cursor.tag(end);
    const message = (tag & 7) === LEN ? spec.byNumber[tag >>> 3]?.message : undefined;
    if (message === undefined) cursor.skip(tag & 7, tag >>> 3, end);
    else left = roomBehind(cursor, message, cursor.len(end), left - 1);
  }
  return left;
}
