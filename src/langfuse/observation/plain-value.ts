/** An attribute's value as Langfuse decodes it: it knows no maps and no bytes. */
export type PlainValue = string | number | boolean | null | PlainValue[];

/**
 * What Langfuse's `convertValueToPlainJavascript` makes of a value of our ReadableSpan views.
 *
 * A kvlist, bytes, an empty array and an empty AnyValue become the text of their OTLP JSON as Langfuse's endpoint writes
 * it for a protobuf request: int64 as decimal strings, bytes as Node's JSON of a Buffer. NaN and the infinities are lost
 * there (`doubleValue:null`). Two things a view cannot tell any more: a whole-numbered double inside a kvlist is taken
 * for an int, and an int64 beyond ±(2^53-1) stays the decimal string it is shown as.
 */
export function plainValue(value: unknown): PlainValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (Array.isArray(value) && value.length > 0) return value.map(plainValue);
  return JSON.stringify(otlpJson(value));
}

function otlpJson(value: unknown): unknown {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return isInt64(value) ? { intValue: String(value) } : { doubleValue: value };
  if (value instanceof Uint8Array) return { bytesValue: { type: 'Buffer', data: [...value] } };
  if (Array.isArray(value)) return { arrayValue: repeated(value.map(otlpJson)) };
  if (typeof value === 'object' && value !== null)
    return { kvlistValue: repeated(Object.entries(value).map(keyValue)) };
  return {};
}

const keyValue = ([key, value]: [string, unknown]) => ({ key, value: otlpJson(value) });

/** A repeated field without elements is not on the wire, and so not in the JSON. */
const repeated = (values: unknown[]) => (values.length === 0 ? {} : { values });

/** An int64 beyond this range is shown as a string, so a number beyond it was a double. */
const isInt64 = (value: number) => Number.isSafeInteger(value) && !Object.is(value, -0);
