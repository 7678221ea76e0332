import fc from 'fast-check';
import { receivedPosition, sizeOf } from '../../src/inspector/kept-request';
import { keptRequest } from '../support/kept-requests';
import { runs } from '../support/random';
import { numberedSpans } from '../support/trace-request';

const REQUEST = keptRequest(numberedSpans(3));
const { bytes } = REQUEST;
const SIZE = sizeOf(REQUEST);

describe('where a span stood in what was received', () => {
  test.each<[name: string, rejected: number[], expected: number[]]>([
    ['none was rejected', [], [0, 1, 2]],
    ['the first', [0], [1, 2, 3]],
    ['between', [1], [0, 2, 3]],
    ['the last', [3], [0, 1, 2]],
    ['some after each other', [1, 2, 3], [0, 4, 5]],
    ['all around', [0, 2, 3, 5], [1, 4, 6]],
    ['told in no order', [5, 0, 3, 2], [1, 4, 6]],
  ])('%s', (_, rejected, expected) => {
    const request = keptRequest([], { rejectedAt: new Set(rejected) });
    expect([0, 1, 2].map((position) => receivedPosition(request, position))).toEqual(expected);
  });

  test('whichever were rejected, accepted ones keep their order', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (isRejected) => {
        const positions = [...isRejected.keys()];
        const request = keptRequest([], { rejectedAt: new Set(positions.filter((at) => isRejected[at]).toReversed()) });
        const accepted = positions.filter((at) => !isRejected[at]);
        expect(accepted.map((_, position) => receivedPosition(request, position))).toEqual(accepted);
      }),
      runs(300),
    );
  });
});

describe('what it takes', () => {
  const json = Buffer.alloc(5_000);
  const texts = { bytes: json, ranges: [] };

  test('its bytes, and of each span what is known of it', () => {
    const one = sizeOf(keptRequest(numberedSpans(1)));
    expect(SIZE - one).toBe(2 * 1_000 + bytes.length - keptRequest(numberedSpans(1)).bytes.length);
    expect(sizeOf({ ...REQUEST, bytes: Buffer.alloc(0) })).toBe(SIZE - bytes.length);
  });

  test.each<[name: string, changes: Parameters<typeof keptRequest>[1], more: number]>([
    ['what came is what leaves', { received: { format: 'protobuf', bytes, texts: undefined } }, 0],
    ['what came is something else', { received: { format: 'protobuf', bytes: json, texts: undefined } }, 5_000],
    ['with texts in it', { received: { format: 'json', bytes: json, texts } }, 5_000],
    [
      'with texts that were mended',
      { received: { format: 'json', bytes: json, texts: { ...texts, bytes: Buffer.alloc(6_000) } } },
      11_000,
    ],
    [
      'with many texts',
      { received: { format: 'json', bytes: json, texts: { ...texts, ranges: Array(2_000).fill(0) } } },
      21_000,
    ],
    ['with many rejected spans', { rejectedAt: new Set(Array(1_000).keys()) }, 50_000],
  ])('%s', (_, changes, more) => {
    expect(sizeOf({ ...REQUEST, ...changes })).toBe(SIZE + more);
  });
});
