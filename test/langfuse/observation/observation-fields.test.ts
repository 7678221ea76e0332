import { type Observation, observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, type SpanGiven } from '../../support/span-builder';

const field = <K extends keyof Observation>(name: K, given: SpanGiven) => observe(buildSpan(given))[name];

/** Keys in order; each must win over all that follow, and an empty one must count as unset. */
const FILLED: [field: keyof Observation, keys: string[]][] = [
  [
    'userId',
    [
      'langfuse.user.id',
      'user.id',
      'langfuse.observation.metadata.langfuse_user_id',
      'langfuse.trace.metadata.langfuse_user_id',
      'ai.telemetry.metadata.userId',
    ],
  ],
  [
    'sessionId',
    [
      'langfuse.session.id',
      'session.id',
      'gen_ai.conversation.id',
      'langfuse.observation.metadata.langfuse_session_id',
      'langfuse.trace.metadata.langfuse_session_id',
      'ai.telemetry.metadata.sessionId',
    ],
  ],
];

describe.each(FILLED)('%s', (name, keys) => {
  test.each(keys.map((key, at): [string, number] => [key, at]))('%s', (key, at) => {
    const attributes = Object.fromEntries(keys.map((each, index) => [each, index < at ? '' : `by ${each}`]));
    expect(field(name, { attributes })).toBe(`by ${key}`);
  });

  test('a value that is no string becomes text', () => {
    expect(field(name, { attributes: { [keys[0]!]: 42 } })).toBe('42');
    expect(field(name, { attributes: { [keys[0]!]: ['a'] } })).toBe('["a"]');
  });

  test.each([
    'enduser.id',
    'langfuse.user_id',
    'langfuse.session_id',
    'langfuse.trace.user_id',
    'langfuse.trace.session_id',
    'thread.id',
  ])('not by %s', (key) => {
    expect(field(name, { attributes: { [key]: 'x' } })).toBeNull();
  });

  test('not by resource or scope', () => {
    expect(
      field(name, { resource: { [keys[0]!]: 'x' }, scope: { name: 's', attributes: { [keys[0]!]: 'x' } } }),
    ).toBeNull();
  });
});

describe('tags', () => {
  const keys = [
    'langfuse.trace.tags',
    'langfuse.tags',
    'langfuse.observation.metadata.langfuse_tags',
    'langfuse.trace.metadata.langfuse_tags',
    'ai.telemetry.metadata.tags',
    'tag.tags',
  ];
  test.each(keys.map((key, at): [string, number] => [key, at]))('%s', (key, at) => {
    const attributes = Object.fromEntries(keys.map((each, index) => [each, index < at ? '' : [`by ${each}`]]));
    expect(field('tags', { attributes })).toEqual([`by ${key}`]);
  });

  test.each([
    ['a list', ['a', 1, true], ['a', '1', 'true']],
    ['a list of lists', [['a', 'b']], ['a,b']],
    ['a JSON list', ' ["a", 1, {"x":1}]', ['a', '1', '[object Object]']],
    ['a list with commas', 'a, b ,c', ['a', 'b', 'c']],
    ['what looks like JSON and is none', '[a, b', ['[a', 'b']],
    ['one tag', 'a', ['a']],
    ['a number', 5, []],
    ['an empty list is the text of its OTLP JSON', [], ['{"arrayValue":{}}']],
    ['an object in JSON that would break String() (Langfuse keeps the text)', '[{"toString":1}]', ['[object Object]']],
  ])('%s', (_name, value, expected) => {
    expect(field('tags', { attributes: { 'langfuse.trace.tags': value } })).toEqual(expected);
  });

  test('none', () => {
    expect(field('tags', {})).toEqual([]);
    expect(field('tags', { resource: { 'langfuse.tags': 'a' } })).toEqual([]);
    expect(field('tags', { attributes: { 'tag.tags': '' } })).toEqual(['']);
  });
});

describe('name', () => {
  const sources: [name: string, attributes: Record<string, unknown>, expected: string][] = [
    ['gen_ai.tool.name', { 'gen_ai.tool.name': 'tool' }, 'tool'],
    ['genkit:name', { 'genkit:name': 'genkit' }, 'genkit'],
    ['logfire.msg', { 'logfire.msg': 'logfire' }, 'logfire'],
    ['ai.toolCall.name', { 'ai.toolCall.name': 'ai tool' }, 'ai tool'],
    [
      'ai.telemetry.functionId and ai.operationId',
      { 'ai.operationId': 'ai.op', 'ai.telemetry.functionId': 'fn' },
      'fn:ai.op',
    ],
    ['ai.operationId', { 'ai.operationId': 'ai.op' }, 'ai.op'],
    ['span name', {}, 'span name'],
  ];
  test.each(sources.map(([name, , expected], at): [string, string, number] => [name, expected, at]))(
    '%s',
    (_name, expected, at) => {
      const attributes = Object.assign(
        {},
        ...sources
          .slice(at)
          .reverse()
          .map(([, each]) => each),
      );
      expect(field('name', { name: 'span name', attributes })).toBe(expected);
    },
  );

  test.each([
    ['an empty tool name is none', { 'gen_ai.tool.name': '' }, 'span name'],
    ['an empty name of Genkit is one', { 'genkit:name': '' }, ''],
    ['an empty Logfire message is none', { 'logfire.msg': '' }, 'span name'],
    ['an empty AI SDK tool is a name', { 'ai.toolCall.name': '' }, ''],
    ['a function id alone is none', { 'ai.telemetry.functionId': 'fn' }, 'span name'],
    ['a number', { 'logfire.msg': 5 }, '5'],
    ['a list', { 'gen_ai.tool.name': ['a'] }, '["a"]'],
  ])('%s', (_name, attributes, expected) => {
    expect(field('name', { name: 'span name', attributes })).toBe(expected);
  });
});

describe('trace name, version, release', () => {
  test.each([
    ['traceName', { attributes: { 'langfuse.trace.name': 't' } }, 't'],
    ['traceName', { resource: { 'langfuse.trace.name': 't' } }, null],
    ['version', { attributes: { 'langfuse.version': 'v' }, resource: { 'service.version': 's' } }, 'v'],
    ['version', { resource: { 'service.version': 's', 'langfuse.version': 'ignored' } }, 's'],
    ['version', { attributes: { 'langfuse.version': '' }, resource: { 'service.version': 's' } }, ''],
    ['release', { attributes: { 'langfuse.release': '' }, resource: { 'langfuse.release': 's' } }, ''],
    ['version', { resource: { 'service.version': 3 } }, '3'],
    ['version', { attributes: { 'service.version': 'ignored' } }, null],
    ['release', { attributes: { 'langfuse.release': 'r' }, resource: { 'langfuse.release': 's' } }, 'r'],
    ['release', { resource: { 'langfuse.release': 's' } }, 's'],
    ['release', {}, null],
  ] as ['traceName' | 'version' | 'release', SpanGiven, string | null][])('%s of %j', (name, given, expected) => {
    expect(field(name, given)).toBe(expected);
  });
});

describe('public', () => {
  test.each([
    ['true', { 'langfuse.trace.public': true }, true],
    ['"true"', { 'langfuse.trace.public': 'true' }, true],
    ['the other key', { 'langfuse.public': true }, true],
    ['the first key wins', { 'langfuse.trace.public': false, 'langfuse.public': true }, false],
    ['1', { 'langfuse.trace.public': 1 }, false],
    ['"TRUE"', { 'langfuse.trace.public': 'TRUE' }, false],
    ['none', {}, false],
  ])('%s', (_name, attributes, expected) => {
    expect(field('public', { attributes })).toBe(expected);
  });
});

describe('prompt of a generation', () => {
  const aiSdkPrompt = { 'ai.telemetry.metadata.langfusePrompt': '{"name":"ai","version":3}' };
  const old = { 'langfuse.prompt.name': 'old', 'langfuse.prompt.version': '2' };
  const own = { 'langfuse.observation.prompt.name': 'own', 'langfuse.observation.prompt.version': 1 };
  const prompt = (attributes: Record<string, unknown>) => {
    const { promptName, promptVersion } = observe(buildSpan({ attributes: { model: 'm', ...attributes } }));
    return [promptName, promptVersion];
  };
  test.each([
    ['langfuse.observation.prompt.*', { ...own, ...old, ...aiSdkPrompt }, ['own', 1]],
    ['langfuse.prompt.*', { ...old, ...aiSdkPrompt }, ['old', 2]],
    ['ai.telemetry.metadata.langfusePrompt', aiSdkPrompt, ['ai', 3]],
    ['name and version from different sources', { 'langfuse.prompt.name': 'old', ...aiSdkPrompt }, ['old', 3]],
    [
      'an empty name and version 0',
      { ...aiSdkPrompt, 'langfuse.prompt.name': '', 'langfuse.prompt.version': 0 },
      ['', 0],
    ],
    ['JSON that is no object', { 'ai.telemetry.metadata.langfusePrompt': 'null' }, [null, null]],
    ['no JSON', { 'ai.telemetry.metadata.langfusePrompt': 'x' }, [null, null]],
    ['a version that is no number', { ...own, 'langfuse.observation.prompt.version': 'latest' }, ['own', null]],
    ['a version beyond UInt16', { ...own, 'langfuse.observation.prompt.version': 65_536 }, ['own', null]],
    ['a negative version', { ...own, 'langfuse.observation.prompt.version': -1 }, ['own', null]],
    ['none', {}, [null, null]],
  ])('%s', (_name, attributes, expected) => {
    expect(prompt(attributes)).toEqual(expected);
  });

  test('not of any other type', () => {
    expect(observe(buildSpan({ attributes: { ...own, 'langfuse.observation.type': 'agent' } }))).toMatchObject({
      promptName: null,
      promptVersion: null,
    });
  });
});
