import type protobuf from 'protobufjs';
import { messageType } from './otlp-messages';
import { createRandom, oneOf, type Random } from './random';
import type { Model, ModelValue } from './request-model';
import { doubleField, fixed32Field, fixed64Field, group, lenField, tag, varint, varintField, WIRE } from './wire';

/**
 * A request in protobuf. Without `seed` as a plain writer writes it; with one in any other way the wire format allows: fields
 * out of order, padded tags, lengths and varints, unknown fields and groups.
 */
export function renderProtobuf(request: Model, seed?: number): Buffer {
  const style = seed === undefined ? PLAIN : oddStyle(createRandom(seed));
  return writeMessage(messageType('ExportTraceServiceRequest'), request, style);
}

interface Style {
  /** Bytes that a tag or length takes at least. */
  padding(): number;
  /** Fields that nobody knows. */
  unknown(): Buffer[];
  /** Mixes the pieces of several fields; those of one field stay in order. */
  merge(fields: Buffer[][]): Buffer[];
}

const PLAIN: Style = { padding: () => 1, unknown: () => [], merge: (fields) => fields.flat() };

function oddStyle(random: Random): Style {
  return {
    padding: () => (random() < 0.2 ? 1 + Math.floor(random() * 5) : 1),
    unknown: () => (random() < 0.3 ? [unknownField(random), unknownField(random)] : []),
    merge: (fields) => {
      const waiting = fields.filter((pieces) => pieces.length > 0).map((pieces) => [...pieces]);
      const merged: Buffer[] = [];
      while (waiting.length > 0) {
        const from = oneOf(random, waiting);
        merged.push(from.shift() as Buffer);
        if (from.length === 0) waiting.splice(waiting.indexOf(from), 1);
      }
      return merged;
    },
  };
}

function unknownField(random: Random): Buffer {
  const number = oneOf(random, [100, 999, 20_000, 2 ** 29 - 1]);
  const value = Math.floor(random() * 2 ** 32);
  return oneOf(random, [
    varintField(number, value),
    Buffer.concat([tag(number, WIRE.varint), varint(value, 10)]),
    fixed32Field(number, value),
    fixed64Field(number, BigInt(value)),
    lenField(number, Buffer.from([0xff, 0, 7])),
    group(number, Buffer.concat([varintField(1, value), group(2, lenField(3, 'in a group'))])),
  ]);
}

function writeMessage(type: protobuf.Type, message: Model, style: Style): Buffer {
  const fields = Object.entries(message).map(([name, value]) => {
    const field = type.fields[name] as protobuf.Field;
    const values = (Array.isArray(value) ? value : [value]) as ModelValue[];
    return values.map((one) => writeField(field, one, style));
  });
  return Buffer.concat(style.merge([...fields, style.unknown()]));
}

function writeField(field: protobuf.Field, value: ModelValue, style: Style): Buffer {
  const { id, resolvedType } = field;
  const padded = (content: Uint8Array | string) =>
    lenField(id, content, { tag: style.padding(), length: style.padding() });
  if (resolvedType !== null && 'fields' in resolvedType)
    return padded(writeMessage(resolvedType, value as Model, style));
  switch (field.type) {
    case 'string':
    case 'bytes':
      return padded(value as string | Buffer);
    case 'fixed32':
      return fixed32Field(id, value as number);
    case 'fixed64':
      return fixed64Field(id, value as bigint);
    case 'double':
      return doubleField(id, value as number);
    default: {
      const paddedTag = tag(id, WIRE.varint, style.padding());
      return Buffer.concat([paddedTag, varint(BigInt(value as number | bigint | boolean), style.padding())]);
    }
  }
}
