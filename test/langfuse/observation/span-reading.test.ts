import { readSpan } from '../../../src/langfuse/observation/span-reading';
import { buildSpan } from '../../support/span-builder';

test('every key but __proto__ is an ordinary one, wherever attributes are', () => {
  const attributes = [
    ['__proto__', 'lost, as in a plain object'],
    ['constructor', 'c'],
    ['toString', 't'],
    ['', 'empty key'],
  ] as const;
  const kept = new Map(attributes.slice(1));
  const reading = readSpan(
    buildSpan({
      attributes,
      resource: attributes,
      scope: { name: 's', attributes },
      events: [{ name: 'gen_ai.choice', attributes }],
    }),
  );

  expect(reading.attributes).toEqual(kept);
  expect(reading.resourceAttributes).toEqual(kept);
  expect(reading.scope.attributes).toEqual(kept);
  expect(reading.events[0]?.attributes).toEqual(kept);
});

test('only gen_ai events are read', () => {
  const { events } = readSpan(buildSpan({ events: [{ name: 'exception' }, { name: 'gen_ai.choice' }] }));
  expect(events.map(({ name }) => name)).toEqual(['gen_ai.choice']);
});

test('an attribute that was set to undefined is absent', () => {
  expect(readSpan(buildSpan({ attributes: { gone: undefined } })).attributes.has('gone')).toBe(false);
});

test('scope without attributes', () => {
  const { scope } = readSpan(buildSpan({ scope: { name: 's', version: '1' } }));
  expect(scope).toEqual({ name: 's', version: '1', attributes: new Map() });
});
