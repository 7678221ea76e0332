import fc from 'fast-check';
import { receivedSpans } from '../support/admission';
import { canonicalFromProtobuf } from '../support/canonical';
import { encodeSpans, IDS } from '../support/otlp-messages';
import { createRandom, runs } from '../support/random';
import { type Model, oneSpanRequests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { shownAttributes } from '../support/views';

type Attributes = Record<string, unknown>;

/** The attributes of a request's first span: as the gateway shows them, and as a plain object. */
function bothOf(body: Buffer) {
  const span = receivedSpans(body)[0];
  const plain = shownAttributes(canonicalFromProtobuf(body)[0]?.attributes ?? []);
  return {
    lazy: (span?.attributes ?? {}) as Attributes,
    plain,
    changes: () => span?.changedAttributes() ?? new Map(),
    forget: () => span?.forgetDecoded(),
  };
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

test('attributes behave as a plain object does, whatever is done to them, and whenever what was read is let go of', () => {
  fc.assert(
    fc.property(
      oneSpanRequests({ repairable: true }),
      fc.integer({ min: 1 }),
      fc.array(steps, { maxLength: 12 }),
      (request, seed, todo) => {
        const { lazy, plain, changes, forget } = bothOf(renderProtobuf(request, seed));
        const random = createRandom(seed);
        const changed = new Set<string>();
        for (const step of todo) {
          if (step.changed?.(plain) === true) changed.add(step.key as string);
          if (random() < 0.3) forget();
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

// What the table of the property above is worth: its requests do have attributes.
test('most requests of the property have attributes to look at', () => {
  const bodies = fc.sample(oneSpanRequests({ repairable: true }), 300);
  const counts = bodies.map((request: Model) => Object.keys(bothOf(renderProtobuf(request)).plain).length);
  expect(counts.filter((count) => count > 0).length).toBeGreaterThan(150);
});

describe('complexToJson', () => {
  const int = (value: number) => ({ intValue: value });
  const map = (value: object) => ({ kvlistValue: { values: [{ key: 'k', value }] } });

  test('sets what Langfuse does not decode, and of equal keys looks at the last', () => {
    const [span] = receivedSpans(
      withAttributes(
        ...([
          ['plain', int(1)],
          ['map', int(2)],
          ['map', map(int(3))],
          ['was a map', map(int(4))],
          ['was a map', int(5)],
          ['list', { arrayValue: { values: [] } }],
          ['numbers', { arrayValue: { values: [int(6)] } }],
        ] as [string, object][]),
      ),
    );
    expect(span?.complexToJson()).toBe(2);
    expect([...(span?.changedAttributes() ?? [])]).toEqual([
      ['map', '{"k":3}'],
      ['list', '[]'],
    ]);
    expect(span?.attributes).toEqual({ plain: 1, map: '{"k":3}', 'was a map': 5, list: '[]', numbers: [6] });
    expect(span?.complexToJson()).toBe(0);
  });

  test('leaves what was set, replaced or deleted', () => {
    const [span] = receivedSpans(withAttributes(['a', map(int(1))], ['b', map(int(2))], ['c', map(int(3))]));
    const attributes = span?.attributes as Attributes;
    attributes.a = 'mine';
    delete attributes.b;
    expect(span?.complexToJson()).toBe(1);
    expect(attributes).toEqual({ a: 'mine', c: '{"k":3}' });
  });
});
