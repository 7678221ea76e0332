import { type CanonicalSpan, type CanonicalValue, canonicalSpans, type Dialect } from './canonical-span';
import { type ExactJson, parseExactJson } from './exact-json';

/**
 * The spans of an OTLP/JSON request, read as leniently as the gateway reads: snake_case names, enum names, 64-bit numbers as
 * strings or numbers, base64url, `"NaN"`, null as absent, a byte order mark. What its member cannot hold is a `misfit`.
 *
 * @throws SyntaxError when the text is not JSON; Error when a list, text, timestamp or count is something else.
 */
export function canonicalFromJson(text: string): CanonicalSpan[] {
  return canonicalFromTree(parseExactJson(text.replace(/^\uFEFF/, '')));
}

/** The spans of a request that `parseExactJson` has read. */
export function canonicalFromTree(request: ExactJson): CanonicalSpan[] {
  return canonicalSpans(JSON_DIALECT, request);
}

const JSON_DIALECT: Dialect = {
  message: field,
  list,
  text: (parent, name) => asText(field(parent, name) ?? '', name),
  texts: (parent, name) => list(parent, name).map((element) => asText(element, name)),
  id: (parent, name) => {
    const id = asText(field(parent, name) ?? '', name);
    return /^[0-9a-f]*$/i.test(id) ? id.toLowerCase() : id;
  },
  uint32: (parent, name) => Number(unsigned(parent, { name, bits: 32n })),
  uint64: (parent, name) => unsigned(parent, { name, bits: 64n }),
  enumeration: (parent, { field: name, names }) => {
    const json = field(parent, name) ?? { number: '0' };
    if (typeof json === 'string' && names.includes(json)) return names.indexOf(json);
    const number = exactInteger(json);
    return number === undefined ? asText(json, name) : Number(number);
  },
  member: (anyValue) => {
    if (!(anyValue instanceof Map)) return undefined;
    // Of two members that are set the last one counts, as in protobuf.
    const set = [...anyValue].filter(([key, json]) => MEMBERS.has(camelCase(key)) && json !== null).at(-1);
    return set === undefined ? undefined : { name: camelCase(set[0]), raw: set[1] };
  },
  scalar: ({ name, raw }) => scalarOf(name, raw as ExactJson) ?? { misfit: name, json: misfitOf(raw as ExactJson) },
};

const MEMBERS = new Set([
  ...['stringValue', 'boolValue', 'intValue', 'doubleValue', 'bytesValue'],
  ...['arrayValue', 'kvlistValue', 'stringValueStrindex'],
]);

/** What stands under the name in either spelling; null, and a member of something that is no object, is absent. */
function field(parent: unknown, name: string): ExactJson | undefined {
  if (!(parent instanceof Map)) return undefined;
  return parent.get(name) ?? parent.get(snakeCase(name)) ?? undefined;
}

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function list(parent: unknown, name: string): ExactJson[] {
  const elements = field(parent, name) ?? [];
  if (!Array.isArray(elements)) throw new Error(`${name} is not an array`);
  return elements.filter((element) => element !== null);
}

function asText(json: ExactJson, name: string): string {
  if (typeof json !== 'string') throw new Error(`${name} is not a string`);
  return json;
}

function unsigned(parent: unknown, { name, bits }: { name: string; bits: bigint }): bigint {
  const value = exactInteger(field(parent, name) ?? { number: '0' });
  if (value === undefined || value !== BigInt.asUintN(Number(bits), value)) {
    throw new Error(`${name} is not an unsigned integer of ${bits} bits`);
  }
  return value;
}

/** undefined: the member cannot hold this. */
function scalarOf(member: string, json: ExactJson): CanonicalValue | undefined {
  switch (member) {
    case 'stringValue':
      return typeof json === 'string' ? { string: json } : undefined;
    case 'boolValue':
      return typeof json === 'boolean' ? { bool: json } : undefined;
    case 'intValue': {
      const int = exactInteger(json);
      return int !== undefined && int === BigInt.asIntN(64, int) ? { int } : undefined;
    }
    case 'doubleValue':
      return doubleOf(json);
    case 'bytesValue':
      return bytesOf(json);
    default: {
      const stringIndex = exactInteger(json);
      return stringIndex === undefined ? undefined : { stringIndex: Number(stringIndex) };
    }
  }
}

/** An integer written in any way JSON has (`5`, `"5"`, `5.0`, `1.5e3`), without rounding; undefined for anything else. */
function exactInteger(json: ExactJson): bigint | undefined {
  const parts = DECIMAL.exec(numberText(json) ?? '');
  if (parts === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  const shift = Number(exponent) - fraction.length;
  if (Math.abs(shift) > 400) return undefined;
  const digits = BigInt(whole + fraction);
  const scale = 10n ** BigInt(Math.abs(shift));
  if (shift < 0 && digits % scale !== 0n) return undefined;
  const value = shift < 0 ? digits / scale : digits * scale;
  return sign === '-' ? -value : value;
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

function doubleOf(json: ExactJson): CanonicalValue | undefined {
  const text = numberText(json) ?? '';
  return DECIMAL.test(text) || /^(NaN|-?Infinity)$/.test(text) ? { double: Number(text) } : undefined;
}

/** base64 or base64url, padded or not; undefined when re-encoding does not give the same text. */
function bytesOf(json: ExactJson): CanonicalValue | undefined {
  if (typeof json !== 'string') return undefined;
  const text = json.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_');
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? { bytes: bytes.toString('hex') } : undefined;
}

function numberText(json: ExactJson): string | undefined {
  if (typeof json === 'string') return json;
  return typeof json === 'object' && json !== null && 'number' in json ? json.number : undefined;
}

function misfitOf(json: ExactJson): Extract<CanonicalValue, { misfit: string }>['json'] {
  if (typeof json === 'string' || typeof json === 'boolean') return json;
  const number = numberText(json);
  return number === undefined ? { other: Array.isArray(json) ? 'array' : 'object' } : { number };
}
