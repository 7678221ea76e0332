import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { receivedSpans } from '../support/admission';
import { eventually } from '../support/eventually';
import { encodeSpans, IDS } from '../support/otlp-messages';
import { lenField, nested, varintField } from '../support/wire';

type Attributes = Record<string, unknown>;

const withAttributes = (...attributes: [key: string, value: object][]) =>
  encodeSpans({ ...IDS, attributes: attributes.map(([key, value]) => ({ key, value })) });

test('a key that is no UTF-8, where that repair is off, has the value it came with', () => {
  const attribute = (key: Buffer) => lenField(9, Buffer.concat([lenField(1, key), lenField(2, lenField(1, 'value'))]));
  const ids = Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId)]);
  const span = Buffer.concat([ids, attribute(Buffer.from('first')), attribute(Buffer.from([0xff]))]);
  expect(Object.entries(receivedSpans(nested([1, 2, 2], span))[0]?.attributes ?? {})).toEqual([
    ['first', 'value'],
    ['\ufffd', 'value'],
  ]);
});

describe('hostile spans', () => {
  const manyKeys = (count: number) => {
    const attributes = Array.from({ length: count }, (_, at) => {
      const keyField = lenField(1, at.toString(36).padStart(4, '0'));
      return lenField(9, Buffer.concat([keyField, lenField(2, varintField(3, at))]));
    });
    return nested([1, 2, 2], Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId), ...attributes]));
  };

  // Were each looked for among all of them, Jest would lose patience.
  test('60,000 attributes are listed', () => {
    const [span] = receivedSpans(manyKeys(60_000));
    expect(Object.keys(span?.attributes ?? {})).toHaveLength(60_000);
  });

  test('keys that are listed are not kept when the span is gone', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let time = 0; time < 60; time++) {
      const request = withAttributes([randomBytes(250_000).toString('hex'), { intValue: 1 }]);
      expect(Object.keys(receivedSpans(request)[0]?.attributes ?? {})).toHaveLength(1);
    }
    // What the collector has found is given back a little later.
    await eventually(() => {
      collect();
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    });
  });
});

describe('one span has nothing to do with another', () => {
  const body = withAttributes(['a', { intValue: 1 }]);

  // Each in its own realm of modules: what is broken here would be broken for all tests of the file.
  test.each<[string, (attributes: object) => unknown]>([
    ['frozen', (attributes) => Object.freeze(attributes)],
    ['sealed', (attributes) => Object.seal(attributes)],
    ['closed', (attributes) => Object.preventExtensions(attributes)],
    ['given a prototype', (attributes) => Object.setPrototypeOf(attributes, { inherited: true })],
  ])('also when the attributes of one are %s', (_, treat) => {
    jest.isolateModules(() => {
      const { receivedSpans: isolated } =
        jest.requireActual<typeof import('../support/admission')>('../support/admission');
      const attributes = () => (isolated(body)[0]?.attributes ?? {}) as Attributes;
      refusable(() => treat(attributes()));
      const next = attributes();
      expect([Object.keys(next), next.a, Object.getPrototypeOf(next)]).toEqual([['a'], 1, null]);
      next.b = 2;
      expect({ ...next }).toEqual({ a: 1, b: 2 });
    });
  });

  /** To refuse is fine: a Proxy cannot promise what its target does not hold. */
  function refusable(act: () => unknown): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
});
