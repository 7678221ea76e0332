import fc from 'fast-check';
import { observe } from '../../../src/langfuse/observation/observation';
import { WATCHED_ATTRIBUTES } from '../../../src/langfuse/visibility';
import { avertCrash, spellOutContentEvents } from '../../../src/langfuse/visibility/crash';
import { WALKED_KEYS } from '../../../src/langfuse/visibility/unwieldy-json';
import { runs } from '../../support/random';
import { kvlist } from '../../support/span-builder';
import { TestDraft, type VisibleGiven } from '../../support/visibility-draft';

const META = 'langfuse.observation.metadata.';

function averted(given: VisibleGiven): Record<string, unknown> {
  const draft = new TestDraft(given);
  avertCrash(draft);
  spellOutContentEvents(draft);
  const once = { ...draft.span.attributes };
  avertCrash(draft);
  spellOutContentEvents(draft);
  expect({ ...draft.span.attributes }).toEqual(once);
  return once;
}

describe.each(['operation.name', 'ai.operationId'])('%s', (key) => {
  test.each([
    ['a text', 'ai.toolCall', 'ai.toolCall'],
    ['an empty text', '', ''],
    ['a number', 5, '5'],
    ['zero', 0, '0'],
    ['false', false, 'false'],
    ['a list', ['ai.toolCall'], '["ai.toolCall"]'],
    ['NaN, which does not get there', Number.NaN, Number.NaN],
    ['a map, which becomes a text on its way', kvlist({ a: 1 }), kvlist({ a: 1 })],
    ['digits that JavaScript has a number for', '9007199254740991', '9007199254740991'],
  ])('%s', (_name, value, expected) => {
    expect(averted({ attributes: { [key]: value } })).toEqual({ [key]: expected });
  });

  test.each(['9007199254740993', '-9223372036854775808', -9007199254740992])('%s, too large to count with', (value) => {
    expect(averted({ attributes: { [key]: value } })).toEqual({ [META + key]: String(value) });
  });
});

describe.each([
  'langfuse.observation.type',
  'openinference.span.kind',
  'gen_ai.operation.name',
  'genkit:metadata:subtype',
])('%s', (key) => {
  test.each(['constructor', 'toString', 'valueOf', '__proto__', 'hasOwnProperty', '__defineGetter__'])('%s', (name) => {
    expect(averted({ attributes: { [key]: name } })).toEqual({ [META + key]: name });
  });

  test('in a list, which JavaScript takes for its only element', () => {
    expect(averted({ attributes: { [key]: ['constructor'] } })).toEqual({ [META + key]: '["constructor"]' });
  });

  test.each(['chat', 'Constructor', 'prototype', '', 5])('%s stays', (value) => {
    expect(averted({ attributes: { [key]: value } })).toEqual({ [key]: value });
  });
});

describe('JSON that fills the stack of whoever walks it', () => {
  const deep = `${'{"a":'.repeat(600)}1${'}'.repeat(600)}`;

  test.each(WALKED_KEYS)('%s becomes metadata, as a text', (key) => {
    const attributes = averted({ attributes: { [key]: deep, other: deep } });
    expect(attributes).toEqual({ [META + key]: deep, other: deep });
    expect(observe(new TestDraft({ attributes }).span).metadata).toMatchObject({ [key]: deep });
  });

  test.each(WALKED_KEYS)('%s stays where it is not', (key) => {
    expect(averted({ attributes: { [key]: '[{"a":1}]' } })).toEqual({ [key]: '[{"a":1}]' });
  });

  test('a list of texts stays, which is not read as JSON', () => {
    const attributes = { 'langfuse.metadata': [deep] };
    expect(averted({ attributes })).toEqual(attributes);
  });
});

describe('events of Logfire', () => {
  const moved = (text: string) => ({ [`${META}events`]: text });
  const rows: [name: string, value: unknown, expected: Record<string, unknown> | undefined][] = [
    ['a list', '[{"event.name":"gen_ai.choice"}]', undefined],
    ['an empty list', '[]', undefined],
    ['no JSON', 'x', undefined],
    ['an empty text', '', undefined],
    ['a number', 5, undefined],
    ['a list of texts', ['a'], undefined],
    ['an object', '{"a":1}', moved('{"a":1}')],
    ['null', 'null', moved('null')],
    ['a text', '"x"', moved('"x"')],
    ['a number as JSON', ' 5 ', moved(' 5 ')],
    ['a list with null', '[{},null]', moved('[{},null]')],
    [
      'an object too deep to be read here',
      `{"a":${'['.repeat(600)}${']'.repeat(600)}}`,
      moved(`{"a":${'['.repeat(600)}${']'.repeat(600)}}`),
    ],
    ['a map', kvlist({ a: 1 }), moved('{"a":1}')],
    ['an empty list of OTLP', [], moved('[]')],
    ['a list with an empty value', ['a', null], moved('["a",null]')],
    ['a list with NaN', [Number.NaN], moved('["NaN"]')],
  ];
  test.each(rows)('%s', (_name, value, expected) => {
    expect(averted({ attributes: { events: value } })).toEqual(expected ?? { events: value });
  });

  test('Langfuse does not get there when an earlier rule finds something', () => {
    const attributes = { events: '{"a":1}', prompt: 'p' };
    expect(averted({ attributes })).toEqual(attributes);
  });

  test('a later rule does not keep it from there', () => {
    expect(averted({ attributes: { events: '{"a":1}', input: 'i' } })).toEqual({ input: 'i', ...moved('{"a":1}') });
  });

  test('a name that is taken gets underscores', () => {
    const taken = { [`${META}events`]: 'mine', [`${META}events_`]: 'mine too' };
    expect(averted({ attributes: { ...taken, events: '{}' } })).toEqual({ ...taken, [`${META}events__`]: '{}' });
  });
});

describe('dotted keys', () => {
  const PROMPT = 'gen_ai.prompt';
  const long = `.0.${'a'.repeat(2_046)}`;
  const rows: [name: string, entries: Record<string, unknown>, moved: string[]][] = [
    ['messages', { '.0.role': 'r', '.0.content': 'c', '.1.tool_calls.0.name': 'n' }, []],
    ['a text where a container is wanted', { '.0.content': 'x', '.0.content.0.type': 'text' }, ['.0.content']],
    ['the same, in the other order', { '.0.content.0.type': 'text', '.0.content': 'x' }, ['.0.content']],
    ['a number', { '.0.content': 0, '.0.content.a': 1 }, ['.0.content']],
    ['deeper', { '.0.a.b': 'x', '.0.a.b.c': 'y', '.0.a.b.c.d': 'z' }, ['.0.a.b', '.0.a.b.c']],
    ['a message that has a value itself', { '.0': 'x', '.0.content': 'c' }, []],
    ['an object', { '.a': 'x', '.a.b': 'y' }, ['.a']],
    ['a key without the dot has no value', { _id: 'x', '_id.a': 'y' }, ['_id']],
    ['names that only begin alike', { '.0.a': 'x', '.0.ab.c': 'y', '.0.a_.c': 'z' }, []],
    ['one message in two notations', { '.0.a': 'x', '.00.a.b': 'y' }, ['.0.a']],
    ['two notations of one value', { '.0.a': 'x', '.00.a': 'y', '.0.a.b': 'z' }, ['.0.a', '.00.a']],
    [
      'names of prototypes, which Langfuse leaves out',
      { '.0.a': 'x', '.0.a.__proto__': 'y', '.0.a.constructor.b': 'z' },
      ['.0.a.__proto__', '.0.a.constructor.b'],
    ],
    ['a prototype’s name directly in a message', { '.0.constructor': 'x' }, []],
    ['through a function', { '.0.a.toString.name': 'x' }, ['.0.a.toString.name']],
    ['to a function’s name', { '.0.a.toString': 'x' }, []],
    ['through a function of a list', { '.0.a.0': 'x', '.0.a.map.b': 'y' }, ['.0.a.map.b']],
    ['the same where there is no list', { '.0.a.b': 'x', '.0.a.map.b': 'y' }, []],
    ['the length of a list', { '.0.a.0': 'x', '.0.a.length': 'y' }, ['.0.a.length']],
    ['a length of something else', { '.0.a.b': 'x', '.0.a.length': 'y' }, []],
    ['an index in another notation', { '.0.a': 1, '.1e9.a': 2 }, ['.1e9.a']],
    ['a small one', { '.0.a': 1, '.1e3.a': 2 }, []],
    ['an index beyond the limit is left out there', { '.0.a.b': 'x', '.10001.a': 1 }, []],
    ['the value under the prefix itself is taken alone', { '': 'whole', '.0.a': 'x', '.0.a.b': 'y' }, []],
    ['an empty one is not', { '': '', '.0.a': 'x', '.0.a.b': 'y' }, ['.0.a']],
    ['64 parts', { [`.0${'.a'.repeat(63)}`]: 1 }, []],
    ['65 parts', { [`.0${'.a'.repeat(64)}`]: 1 }, [`.0${'.a'.repeat(64)}`]],
    ['a path of 2,048 characters', { [long]: 1 }, []],
    ['a path of 2,049 characters', { [`${long}a`]: 1 }, [`${long}a`]],
  ];
  test.each(rows)('%s', (_name, entries, moved) => {
    const attributes = Object.fromEntries(Object.entries(entries).map(([path, value]) => [PROMPT + path, value]));
    const expected = { ...attributes };
    for (const path of moved) {
      expected[META + PROMPT + path] = String(entries[path]);
      delete expected[PROMPT + path];
    }
    expect(averted({ attributes })).toEqual(expected);
  });

  test.each(['gen_ai.completion', 'llm.input_messages', 'llm.output_messages'])('%s', (prefix) => {
    const attributes = { [`${prefix}.0.content`]: 'x', [`${prefix}.0.content.0.type`]: 'text' };
    expect(averted({ attributes })).toEqual({
      [`${prefix}.0.content.0.type`]: 'text',
      [`${META}${prefix}.0.content`]: 'x',
    });
  });

  test.each([
    ['an earlier rule finds something', { input: 'i', 'gen_ai.prompt.0.a': 'x', 'gen_ai.prompt.0.a.b': 'y' }],
    [
      'the other messages come first',
      { 'gen_ai.prompt': 'p', 'llm.input_messages.0.a': 'x', 'llm.input_messages.0.a.b': 'y' },
    ],
  ])('Langfuse does not get there: %s', (_name, attributes) => {
    expect(averted({ attributes })).toEqual(attributes);
  });

  test('more than may be looked at is moved', () => {
    const entries = Array.from({ length: 4_000 }, (_, at): [string, unknown] => [
      `${PROMPT}.${at}${'.a'.repeat(60)}`,
      1,
    ]);
    const keys = Object.keys(averted({ attributes: entries }));
    expect(keys).toHaveLength(4_000);
    expect(keys.filter((key) => key.startsWith(PROMPT)).length).toBe(Math.floor(200_000 / 60));
  });
});

const NAMES_OF_PROTOTYPES = ['__proto__', 'constructor', 'prototype'];

/** Builds messages without any guard, as somebody does who trusts the keys; throws where that goes wrong. */
function buildTrustingly(attributes: Record<string, unknown>, prefix: string): void {
  const paths = Object.keys(attributes)
    .filter((key) => key.startsWith(`${prefix}.`))
    .map((key): [string[], unknown] => [key.slice(prefix.length + 1).split('.'), structuredClone(attributes[key])]);
  const isList = paths.some(([parts]) => parts.length > 1 && /^\d+$/.test(parts[0]!));
  const messages: Record<string, unknown> = Object.create(null);
  for (const [parts, value] of paths) {
    const [message, path] = isList ? [String(Number(parts[0])), parts.slice(1)] : ['', parts];
    messages[message] ??= Object.create(null);
    let at = messages[message] as Record<string, unknown>;
    const guarded = path.length > 1 ? path.findIndex((part) => NAMES_OF_PROTOTYPES.includes(part)) : -1;
    // Somebody on his guard goes as far as that name, and no further.
    const steps = guarded === -1 ? path : path.slice(0, guarded + 1);
    for (const [depth, part] of steps.entries()) {
      if (depth === guarded) break;
      if (depth === steps.length - 1) at[part] = value;
      else {
        if (!(part in at)) at[part] = /^\d+$/.test(steps[depth + 1]!) ? [] : {};
        at = at[part] as Record<string, unknown>;
        if (typeof at === 'function') throw new TypeError('a function is no place for a message');
      }
    }
  }
}

describe('keys that are not looked at', () => {
  const prefixes = ['gen_ai.prompt', 'gen_ai.completion', 'llm.input_messages', 'llm.output_messages'];
  const part = fc.constantFrom('message', 'role', 'content', '0', '7', '1000', 'constructor', '__proto__', '', 'a_b');
  const path = fc.oneof(
    fc.array(part, { minLength: 0, maxLength: 4 }).map((parts) => ['', ...parts].join('.')),
    fc.constantFrom('.0.role', '.0.content', '.7.message.role', '.0.message.content', '.0.message', '.0.message_a'),
  );
  const key = fc.tuple(fc.constantFrom(...prefixes), path).map(([prefix, rest]) => prefix + rest);
  const watched = WATCHED_ATTRIBUTES.flatMap((each) => ('prefix' in each && each.feature === 'crash' ? [each] : []));
  const isLookedAt = (each: string) =>
    watched.some(({ prefix, onlyKeys }) => each.startsWith(prefix) && onlyKeys(each));

  test('nobody stumbles on them, whatever their values', () => {
    let plain = 0;
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 8 }), fc.constantFrom('x', 1, true), (keys, value) => {
        const attributes = Object.fromEntries(keys.filter((each) => !isLookedAt(each)).map((each) => [each, value]));
        plain += Object.keys(attributes).length;
        expect(averted({ attributes })).toEqual(attributes);
      }),
      { numRuns: 2000 },
    );
    expect(plain).toBeGreaterThan(2000);
  });

  test.each([
    ['gen_ai.prompt.0.content', false],
    ['llm.input_messages.12.message.role', false],
    ['llm.input_messages.0.message', true],
    ['gen_ai.prompt.0.content.0.type', true],
    ['gen_ai.prompt.1000.role', true],
    ['gen_ai.prompt.0.constructor', true],
    ['gen_ai.prompt', true],
    ['gen_ai.prompt_id.0.role', true],
  ])('%s: %s', (each, expected) => {
    expect(isLookedAt(each)).toBe(expected);
  });
});

describe('any dotted keys', () => {
  const part = fc.constantFrom('0', '1', '00', 'a', 'b', 'content', 'length', 'map', 'toString', 'name', 'constructor');
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
  const value = fc.constantFrom<unknown>('x', 0, false, ['a'], 5);
  const given = fc.dictionary(path, value, { maxKeys: 8, noNullPrototype: true });

  test('what is left can be built, nothing is lost, and a second time changes nothing', () => {
    let crashes = 0;
    fc.assert(
      fc.property(given, (entries) => {
        const attributes = Object.fromEntries(
          Object.entries(entries).map(([each, one]) => [`gen_ai.prompt.${each}`, one]),
        );
        try {
          buildTrustingly(attributes, 'gen_ai.prompt');
        } catch {
          crashes++;
        }
        const left = averted({ attributes });
        buildTrustingly(left, 'gen_ai.prompt');
        expect(
          Object.keys(left)
            .map((key) => key.replace(META, ''))
            .sort(),
        ).toEqual(Object.keys(attributes).sort());
      }),
      runs(500),
    );
    expect(crashes).toBeGreaterThan(50);
  });
});

describe('events with content', () => {
  const prompt = (attributes: Record<string, unknown>) => ({ name: 'gen_ai.content.prompt', attributes });
  const clash = prompt({ 'gen_ai.prompt.0.a': 'x', 'gen_ai.prompt.0.a.b': 'y' });

  test.each([
    ['clashing keys', clash],
    ['events that are no list', prompt({ events: '{"a":1}' })],
    ['JSON that is too deep', prompt({ events: `${'['.repeat(600)}${']'.repeat(600)}` })],
  ])('%s: what Langfuse would show is written on the span', (_name, event) => {
    const given = { events: [event] };
    const { input, output } = observe(new TestDraft(given).span);
    const attributes = averted(given);
    expect(attributes).toEqual({ 'langfuse.observation.input': input, 'langfuse.observation.output': output });
    expect(observe(new TestDraft({ ...given, attributes }).span)).toMatchObject({ input, output });
  });

  const harmless: [name: string, given: VisibleGiven][] = [
    ['ordinary keys', { events: [prompt({ 'gen_ai.prompt.0.a.b': 'y' })] }],
    ['a rule before', { events: [clash], attributes: { 'langfuse.observation.output': 'o' } }],
    ['not the first of its name', { events: [prompt({ a: 1 }), clash] }],
  ];
  test.each(harmless)('%s: nothing is done', (_name, given) => {
    expect(averted(given)).toEqual(given.attributes ?? {});
  });
});
