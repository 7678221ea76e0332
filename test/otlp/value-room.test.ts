import { BufferReader } from 'protobufjs/minimal';
import { emptyRecord, readKeyValue, readValue } from '../../src/otlp/any-value';
import { readEvents } from '../../src/otlp/span-parts';
import { ValueRoom } from '../../src/otlp/value-room';
import { lenField, nested } from '../support/wire';

const NOTHING = Buffer.alloc(0);
const TEXT = lenField(1, 'x');

/** A list is one message more than it has elements. */
const listOf = (elements: number) => lenField(5, Buffer.alloc(elements * 2, lenField(1, NOTHING)));
const FITS = listOf(99_999);
const TOO_MANY = listOf(100_000);

const take = (room: ValueRoom, value: Buffer) => room.take(value, 0, value.length);

describe('room for values', () => {
  test('is taken up by each value in another, and what does not fit takes none', () => {
    const room = new ValueRoom();
    expect([listOf(99_990), TOO_MANY, listOf(8), TEXT, NOTHING, listOf(0)].map((value) => take(room, value))).toEqual([
      ...[true, false, true],
      ...[true, true, false],
    ]);
  });

  test('of maps an entry and its value count', () => {
    const entry = lenField(1, Buffer.concat([lenField(1, 'k'), lenField(2, NOTHING)]));
    const map = (entries: number) => lenField(6, Buffer.alloc(entries * entry.length, entry));
    expect([take(new ValueRoom(), map(49_999)), take(new ValueRoom(), map(50_000))]).toEqual([true, false]);
  });

  test('a value that fits is decoded, a larger one is its JSON text', () => {
    expect(readValue(FITS, 0, FITS.length)).toHaveLength(99_999);
    expect(readValue(TOO_MANY, 0, TOO_MANY.length)).toBe(JSON.stringify(Array(100_000).fill(null)));
  });

  test('is one for all that is read with it', () => {
    const room = new ValueRoom();
    const into = emptyRecord();
    for (const [key, value] of [
      ['a', FITS],
      ['b', listOf(1)],
      ['c', TEXT],
    ] as const) {
      const bytes = Buffer.concat([lenField(1, key), lenField(2, value)]);
      readKeyValue(new BufferReader(bytes), bytes.length, into, room);
    }
    expect(into).toEqual({ a: Array(99_999).fill(null), b: '[null]', c: 'x' });
  });

  test('of all events of a span it is one', () => {
    const event = (value: Buffer) => nested([3, 2], value);
    const events = [event(FITS), event(FITS), event(TEXT)];
    const ranges = events.flatMap((_, at) => {
      const start = Buffer.concat(events.slice(0, at)).length;
      return [start, start + events[at]!.length];
    });
    const values = readEvents(Buffer.concat(events), ranges).map(({ attributes }) => attributes?.['']);
    expect(values).toEqual([Array(99_999).fill(null), JSON.stringify(Array(99_999).fill(null)), 'x']);
  });
});
