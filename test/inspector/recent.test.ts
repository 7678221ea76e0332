import fc from 'fast-check';
import { Recent } from '../../src/inspector/recent';
import { runs } from '../support/random';

test('the last of a kind, newest first; what is touched again is new', () => {
  const recent = new Recent<string, number>(3);
  recent.set('a', 1);
  recent.set('b', 2);
  recent.set('a', 3);
  expect([recent.newestFirst(), recent.get('a'), recent.get('c')]).toEqual([[3, 2], 3, undefined]);
  recent.set('c', 4);
  recent.set('d', 5);
  expect(recent.entriesNewestFirst()).toEqual([
    ['d', 5],
    ['c', 4],
    ['a', 3],
  ]);
  expect(recent.get('b')).toBeUndefined();
});

test('as a list of pairs would keep them', () => {
  const sets = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', '__proto__'), fc.nat(9)), { maxLength: 30 });
  fc.assert(
    fc.property(sets, fc.integer({ min: 1, max: 5 }), (given, max) => {
      const recent = new Recent<string, number>(max);
      let expected: [string, number][] = [];
      for (const [key, value] of given) {
        recent.set(key, value);
        expected = [[key, value] as [string, number], ...expected.filter(([known]) => known !== key)].slice(0, max);
        expect(recent.entriesNewestFirst()).toEqual(expected);
      }
      expect(recent.newestFirst()).toEqual(expected.map(([, value]) => value));
    }),
    runs(200),
  );
});
