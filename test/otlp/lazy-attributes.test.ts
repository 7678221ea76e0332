import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { receivedSpans } from '../support/admission';
import { canonicalFromProtobuf } from '../support/canonical';
import { encodeSpans, IDS } from '../support/otlp-messages';
import { runs } from '../support/random';
import { type Model, oneSpanRequests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { shownAttributes } from '../support/views';
import { lenField, nested, varintField } from '../support/wire';

type Attributes = Record<string, unknown>;

/** The attributes of a request's first span: as the gateway shows them, and as a plain object. */
function bothOf(body: Buffer) {
  const span = receivedSpans(body)[0];
  const plain = shownAttributes(canonicalFromProtobuf(body)[0]?.attributes ?? []);
  return { lazy: (span?.attributes ?? {}) as Attributes, plain, changes: () => span?.changedAttributes() ?? new Map() };
}

const withAttributes = (...attributes: [key: string, value: object][]) =>
  encodeSpans({ ...IDS, attributes: attributes.map(([key, value]) => ({ key, value })) });

/** One thing that somebody may do to an object. Its result is compared; `changed` says which keys are other than they came. */
interface Step {
  readonly name: string;
  run(object: Attributes): unknown;
  changed?(object: Attributes): boolean;
}

const KEYS = ['k', '__proto__', 'constructor', 'toString', '', '1', 'gen_ai.system', 'absent', 'hasOwnProperty'];
const key = fc.constantFrom(...KEYS);
const value = fc.constantFrom<unknown>('text', 7, 0.5, true, null, Number.NaN, -0, undefined);
const sorted = (values: readonly (string | symbol)[]) => values.map(String).sort();
const asJson = (object: Attributes) => JSON.parse(JSON.stringify(object, withText)) as object;
const withText = (_: string, one: unknown) => (typeof one === 'number' ? `number ${one}` : one);

const steps: fc.Arbitrary<Step & { key?: string }> = fc.oneof(
  key.map((key) => ({ name: `get ${key}`, run: (object: Attributes) => object[key] })),
  key.map((key) => ({ name: `in ${key}`, run: (object: Attributes) => key in object })),
  key.map((key) => ({ name: `own ${key}`, run: (object: Attributes) => Object.hasOwn(object, key) })),
  key.map((key) => ({
    name: `describe ${key}`,
    run: (object: Attributes) => Object.getOwnPropertyDescriptor(object, key),
  })),
  fc.tuple(key, value).map(([key, value]) => ({
    name: `set ${key}`,
    key,
    run: (object: Attributes) => Reflect.set(object, key, value),
    changed: (before: Attributes) => !Object.hasOwn(before, key) || !Object.is(before[key], value),
  })),
  key.map((key) => ({
    name: `set ${key} to what it is`,
    run: (object: Attributes) => !(key in object) || Reflect.set(object, key, object[key]),
  })),
  key.map((key) => ({
    name: `delete ${key}`,
    key,
    run: (object: Attributes) => delete object[key],
    changed: (before: Attributes) => Object.hasOwn(before, key),
  })),
  fc.tuple(key, value).map(([key, value]) => ({
    name: `define ${key}`,
    key,
    run: (object: Attributes) =>
      Reflect.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true }),
    changed: () => true,
  })),
  fc.constantFrom<Step>(
    { name: 'keys', run: (object) => sorted(Object.keys(object)) },
    { name: 'own keys', run: (object) => sorted(Reflect.ownKeys(object)) },
    { name: 'spread', run: (object) => ({ ...object }) },
    { name: 'assign', run: (object) => Object.assign(Object.create(null), object) },
    { name: 'stringify', run: asJson },
    {
      name: 'for in',
      run: (object) => {
        const seen: string[] = [];
        for (const name in object) seen.push(name);
        return seen.sort();
      },
    },
    { name: 'prototype', run: (object) => Object.getPrototypeOf(object) },
    { name: 'symbol', run: (object) => [Symbol.iterator in object, Reflect.get(object, Symbol.toPrimitive)] },
  ),
);

test('attributes behave as a plain object does, whatever is done to them', () => {
  fc.assert(
    fc.property(
      oneSpanRequests({ repairable: true }),
      fc.integer({ min: 1 }),
      fc.array(steps, { maxLength: 12 }),
      (request, seed, todo) => {
        const { lazy, plain, changes } = bothOf(renderProtobuf(request, seed));
        const changed = new Set<string>();
        for (const step of todo) {
          if (step.changed?.(plain) === true) changed.add(step.key as string);
          expect([step.name, step.run(lazy)]).toEqual([step.name, step.run(plain)]);
        }
        expect(changes()).toEqual(new Map([...changed].map((name) => [name, plain[name]])));
        expect({ ...lazy }).toEqual({ ...plain });
      },
    ),
    runs(600),
  );
});

describe('a key that comes twice', () => {
  const body = withAttributes(['a', { intValue: 1 }], ['b', { intValue: 2 }], ['a', { intValue: 3 }]);

  test('is there once, with the last value', () => {
    const { lazy } = bothOf(body);
    expect(lazy.a).toBe(3);
    expect(Object.entries(lazy)).toEqual([
      ['a', 3],
      ['b', 2],
    ]);
  });

  test('keeps what was set, and is gone when it was deleted', () => {
    const { lazy, changes } = bothOf(body);
    lazy.a = 4;
    expect(Object.entries(lazy)).toEqual(
      expect.arrayContaining([
        ['a', 4],
        ['b', 2],
      ]),
    );
    delete lazy.a;
    expect(Object.entries(lazy)).toEqual([['b', 2]]);
    expect(changes()).toEqual(new Map([['a', undefined]]));
  });
});

describe('as a plain object', () => {
  const body = () =>
    withAttributes(['a', { intValue: 1 }], ['b', { stringValue: 'x' }], ['c', { arrayValue: { values: [] } }]);

  test('keys come in the order of the wire, whatever was read first', () => {
    const { lazy } = bothOf(body());
    expect([lazy.c, lazy.b]).toEqual([[], 'x']);
    expect(Object.keys(lazy)).toEqual(['a', 'b', 'c']);
  });

  test('a value is the same object each time', () => {
    const { lazy } = bothOf(body());
    expect(lazy.c).toBe(lazy.c);
    expect(Object.values(lazy)[2]).toBe(lazy.c);
  });

  test('setting a symbol does not lose it in silence', () => {
    const { lazy } = bothOf(body());
    expect(() => {
      (lazy as Record<symbol, unknown>)[Symbol('s')] = 1;
    }).toThrow(TypeError);
  });

  test('reading changes nothing', () => {
    const { lazy, changes } = bothOf(body());
    expect([{ ...lazy }, JSON.stringify(lazy), 'a' in lazy, lazy.zzz]).toHaveLength(4);
    expect(changes().size).toBe(0);
  });
});

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

  test('60,000 attributes are listed in less than two seconds', () => {
    const [span] = receivedSpans(manyKeys(60_000));
    const started = performance.now();
    expect(Object.keys(span?.attributes ?? {})).toHaveLength(60_000);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('keys that are listed are not kept when the span is gone', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let time = 0; time < 60; time++) {
      const request = withAttributes([randomBytes(250_000).toString('hex'), { intValue: 1 }]);
      expect(Object.keys(bothOf(request).lazy)).toHaveLength(1);
    }
    collect();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
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
      attempt(() => treat(attributes()));
      const next = attributes();
      expect([Object.keys(next), next.a, Object.getPrototypeOf(next)]).toEqual([['a'], 1, null]);
      next.b = 2;
      expect({ ...next }).toEqual({ a: 1, b: 2 });
    });
  });

  function attempt(act: () => unknown): void {
    try {
      act();
    } catch (error) {
      // To refuse is fine: a Proxy cannot promise what its target does not hold.
      expect(error).toBeInstanceOf(TypeError);
    }
  }
});

// What the table of the property above is worth: its requests do have attributes.
test('most requests of the property have attributes to look at', () => {
  const bodies = fc.sample(oneSpanRequests({ repairable: true }), 300);
  const counts = bodies.map((request: Model) => Object.keys(bothOf(renderProtobuf(request)).plain).length);
  expect(counts.filter((count) => count > 0).length).toBeGreaterThan(150);
});
