import { GatewayError } from '../../src/errors';
import { checkBytes } from '../../src/otlp/check';
import { ANY_VALUE, KEY_VALUE } from '../../src/otlp/schema';
import { MESSAGE_NAMES, messageType } from '../support/otlp-messages';
import { specOf } from '../support/specs';
import { lenField, nested, tag, WIRE } from '../support/wire';

describe('framing', () => {
  const fields = MESSAGE_NAMES.flatMap((name) =>
    messageType(name).fieldsArray.map((declared) => [`${name}.${declared.name}`, name, declared.id] as const),
  );
  const WIRE_TYPES = [0, 1, 2, 3, 4, 5, 6, 7];

  test('there are 60 fields in 14 messages', () => {
    expect([MESSAGE_NAMES.length, fields.length]).toEqual([14, 60]);
  });

  test.each(fields)('%s with the end of a group (H05) is refused', (_, name, number) => {
    expect(() => checkBytes(specOf(name), tag(number, WIRE.groupEnd))).toThrow(GatewayError);
  });

  test.each(fields)('%s without a value (H06) is refused', (_, name, number) => {
    const { wireType } = specOf(name).byNumber[number] as { wireType: number };
    expect(() => checkBytes(specOf(name), tag(number, wireType))).toThrow(GatewayError);
  });

  test.each(fields)('%s in any wire type but its own is refused', (_, name, number) => {
    const own = specOf(name).byNumber[number]?.wireType;
    // Enough zeros for every type to have a value, and an end for the group.
    const values = Buffer.concat([Buffer.alloc(9), tag(number, WIRE.groupEnd)]);
    const accepted = WIRE_TYPES.filter((wireType) => {
      const bytes = Buffer.concat([tag(number, wireType), wireType === WIRE.groupStart ? values.subarray(9) : values]);
      return !refuses(() => checkBytes(specOf(name), bytes), `has wire type ${wireType}`);
    });
    expect(accepted).toEqual([own]);
  });

  test.each([
    ['a message that is cut off', lenField(1, 'abc').subarray(0, -1)],
    ['a length over the end of the message around it', lenField(5, Buffer.from('0a05', 'hex'))],
    ['a broken leaf in an array in a list', nested([6, 1, 2, 5, 1], Buffer.from('02', 'hex'))],
  ])('%s is refused', (_, bytes) => {
    expect(() => checkBytes(ANY_VALUE, bytes)).toThrow(GatewayError);
  });

  test('the error names message and field, never a value', () => {
    const bytes = nested([2], Buffer.concat([lenField(1, 'secret words'), tag(2, WIRE.len)]));
    expect(() => checkBytes(KEY_VALUE, bytes)).toThrow('protobuf: AnyValue.boolValue has wire type 2, before byte 17');
  });

  function refuses(check: () => unknown, message: string): boolean {
    try {
      check();
      return false;
    } catch (error) {
      return error instanceof GatewayError && error.message.includes(message);
    }
  }
});
