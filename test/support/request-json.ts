import type protobuf from 'protobufjs';
import { messageType } from './otlp-messages';
import { createRandom, oneOf, type Random } from './random';
import type { Model, ModelValue } from './request-model';

/**
 * A request in OTLP/JSON. Without `seed` as most exporters write it; with one in any other way a sender may: snake_case names, members
 * out of order, nulls for what is absent, unknown members, numbers as text, enums by name, upper-case ids, escapes, white space.
 */
export function renderJson(request: Model, seed?: number): string {
  const random = seed === undefined ? () => 0 : createRandom(seed);
  return messageText(messageType('ExportTraceServiceRequest'), request, random);
}

const HEX_FIELDS = new Set(['traceId', 'spanId', 'parentSpanId']);

function messageText(type: protobuf.Type, message: Model, random: Random): string {
  const members = Object.entries(message).map(([name, value]) => {
    const field = type.fields[name] as protobuf.Field;
    const text = Array.isArray(value)
      ? `[${value.map((one) => valueText(field, one, random)).join(space(random, ','))}]`
      : valueText(field, value, random);
    return `${keyText(name, random)}${space(random, ':')}${text}`;
  });
  const shuffled = random() === 0 ? members : shuffle([...members, ...extraMembers(type, message, random)], random);
  return `{${shuffled.join(space(random, ','))}}`;
}

/** What a reader has to pass over: nulls of absent fields, and names it does not know. */
function extraMembers(type: protobuf.Type, message: Model, random: Random): string[] {
  // A value that is null is an absent one, so it would be another message.
  const absent = type.fieldsArray.filter(({ name }) => !(name in message) && name !== 'value').map(({ name }) => name);
  const nulls = absent.filter(() => random() < 0.1).map((name) => `${keyText(name, random)}:null`);
  const unknown = [
    '"":1',
    '"__proto__":{"traceId":"x"}',
    '"deprecatedScopeSpans":[{}]',
    '"x":[{"a":"\\"]}"},[],1.5e-7,true]',
  ];
  return [...nulls, ...(random() < 0.3 ? [oneOf(random, unknown)] : [])];
}

function shuffle(members: string[], random: Random): string[] {
  return members
    .map((member) => ({ member, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ member }) => member);
}

function keyText(name: string, random: Random): string {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return stringText(oneOf(random, [name, name, snake]), random);
}

function valueText(field: protobuf.Field, value: ModelValue, random: Random): string {
  const { resolvedType } = field;
  if (resolvedType !== null && 'fields' in resolvedType) return messageText(resolvedType, value as Model, random);
  if (resolvedType !== null) {
    const name = resolvedType.valuesById[value as number] ?? String(value);
    return oneOf(random, [String(value), `"${value}"`, `"${name}"`]);
  }
  switch (field.type) {
    case 'string':
      return stringText(value as string, random);
    case 'bytes':
      return bytesText(field, value as Buffer, random);
    case 'bool':
      return String(value);
    case 'double':
      return doubleText(value as number, random);
    default:
      return oneOf(random, [`"${value}"`, `${value}`, `${value}.0`, `${value}e0`, `"${value}.000"`]);
  }
}

function stringText(value: string, random: Random): string {
  const plain = JSON.stringify(value);
  if (random() < 0.9) return plain;
  return `"${[...Array(value.length).keys()].map((at) => `\\u${hex4(value.charCodeAt(at))}`).join('')}"`;
}

const hex4 = (unit: number) => unit.toString(16).padStart(4, '0');

function bytesText({ name }: protobuf.Field, value: Buffer, random: Random): string {
  const hex = value.toString('hex');
  if (HEX_FIELDS.has(name)) return `"${oneOf(random, [hex, hex.toUpperCase()])}"`;
  const base64 = value.toString('base64');
  const url = value.toString('base64url');
  return `"${oneOf(random, [base64, base64.replace(/=+$/, ''), url, url.padEnd(base64.length, '=')])}"`;
}

function doubleText(value: number, random: Random): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  const text = Object.is(value, -0) ? '-0' : String(value);
  return oneOf(random, [text, `"${text}"`]);
}

/** The separator, now and then among white space. */
function space(random: Random, separator: string): string {
  return random() < 0.9 ? separator : ` \n\t${separator}\r `;
}
