import type { CanonicalValue } from './canonical';
import type { Encoding } from './otlp-answer';
import { jsonText, protobufBytes, type Sent, SPAN_ID, TRACE_ID } from './otlp-twins';
import { lenField, nested, tag, varint, varintField, WIRE } from './wire';

export type Container = 'array' | 'kvlist';

/**
 * A request with one span whose attribute `k` is so many arrays or lists in each other, around the int 1, as the table's
 * rows G67 and G68 count them. Good for 100,000 levels: nothing here calls itself, and nothing is copied per level.
 */
export function nestedRequest(encoding: Encoding, options: { container: Container; levels: number }): Sent {
  return encoding === 'json' ? jsonRequest(options) : protobufRequest(options);
}

/** The attribute's value as it must arrive. */
export function nestedValue({ container, levels }: { container: Container; levels: number }): CanonicalValue {
  let value: CanonicalValue = { int: 1n };
  for (let level = 0; level < levels; level += 1) {
    value = container === 'array' ? { array: [value] } : { kvlist: [{ key: 'k', value }] };
  }
  return value;
}

const JSON_AROUND: Readonly<Record<Container, readonly [before: string, after: string]>> = {
  array: ['{"arrayValue":{"values":[', ']}}'],
  kvlist: ['{"kvlistValue":{"values":[{"key":"k","value":', '}]}}'],
};

function jsonRequest({ container, levels }: { container: Container; levels: number }): Sent {
  const [before, after] = JSON_AROUND[container];
  const value = `${before.repeat(levels)}{"intValue":1}${after.repeat(levels)}`;
  const span = `{"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}","attributes":[{"key":"k","value":${value}}]}`;
  return jsonText(`{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`);
}

/** Field numbers of AnyValue and of what is in its lists (opentelemetry-proto common.proto). */
const ARRAY_VALUE = 5;
const KVLIST_VALUE = 6;
const VALUES = 1;
const KEY = 1;
const VALUE = 2;

function protobufRequest({ container, levels }: { container: Container; levels: number }): Sent {
  // From the inside out: what stands before the content of each level, its lengths included.
  const content = varintField(3, 1);
  const heads: Buffer[] = [];
  let bytes = content.length;
  const wrap = (...before: Buffer[]) => {
    heads.push(...before.toReversed());
    bytes += before.reduce((sum, { length }) => sum + length, 0);
  };
  const open = (field: number) => wrap(tag(field, WIRE.len), varint(bytes));
  for (let level = 0; level < levels; level += 1) {
    if (container === 'kvlist') {
      open(VALUE);
      wrap(lenField(KEY, 'k'));
    }
    open(VALUES);
    open(container === 'array' ? ARRAY_VALUE : KVLIST_VALUE);
  }
  const value = Buffer.concat([...heads.reverse(), content]);
  const attribute = Buffer.concat([lenField(KEY, 'k'), lenField(VALUE, value)]);
  const ids = [lenField(1, Buffer.from(TRACE_ID, 'hex')), lenField(2, Buffer.from(SPAN_ID, 'hex'))];
  return protobufBytes(nested([1, 2, 2], Buffer.concat([...ids, lenField(9, attribute)])));
}
