import { SpanStatusCode } from '@opentelemetry/api';
import { eventsToMetadata, exceptionToLevel, linksToMetadata } from '../../../src/langfuse/visibility/links-and-events';
import { kvlist } from '../../support/span-builder';
import { LINKED, TestDraft, type VisibleGiven } from '../../support/visibility-draft';

function attributesAfter(rule: (draft: TestDraft) => void, given: VisibleGiven): Record<string, unknown> {
  const draft = new TestDraft(given);
  rule(draft);
  const once = { ...draft.span.attributes };
  rule(draft);
  expect({ ...draft.span.attributes }).toEqual(once);
  return once;
}

describe('links', () => {
  const linksOf = (links: VisibleGiven['links']) => {
    const text = attributesAfter(linksToMetadata, { links })['langfuse.observation.metadata.otel.links'];
    return text === undefined ? undefined : JSON.parse(text as string);
  };

  test('none', () => {
    expect(linksOf([])).toBeUndefined();
  });

  test('without anything but ids, and with everything', () => {
    const bytes = new Uint8Array([1, 2]);
    const attributes = { a: 1, b: bytes, c: Buffer.from(bytes), d: kvlist({ e: [Number.NaN] }), f: '9007199254740993' };
    expect(linksOf([{}, { traceState: 'v=1', attributes, droppedAttributesCount: 3 }])).toEqual([
      LINKED,
      {
        ...LINKED,
        traceState: 'v=1',
        attributes: { a: 1, b: 'AQI=', c: 'AQI=', d: { e: ['NaN'] }, f: '9007199254740993' },
        droppedAttributesCount: 3,
      },
    ]);
  });

  test('flags', () => {
    expect(linksOf([{ traceFlags: 1 }, { isRemote: false }, { traceFlags: 3, isRemote: true }])).toEqual([
      { ...LINKED, traceFlags: 1 },
      LINKED,
      { ...LINKED, traceFlags: 3, isRemote: true },
    ]);
  });

  test('what the sender has under that name stays, and ours is beside it', () => {
    const attributes = { 'langfuse.observation.metadata.otel.links': 'mine' };
    expect(attributesAfter(linksToMetadata, { links: [{}], attributes })).toEqual({
      ...attributes,
      'langfuse.observation.metadata.otel.links_': JSON.stringify([LINKED]),
    });
  });

  test('10,000 are listed, and how many more there are', () => {
    const links = linksOf(Array.from({ length: 10_003 }, () => ({})));
    expect(links.slice(9_999)).toEqual([LINKED, { 'left out': 3 }]);
  });
});

describe('events', () => {
  const eventsOf = (given: VisibleGiven) => {
    const text = attributesAfter(eventsToMetadata, given)['langfuse.observation.metadata.otel.events'];
    return text === undefined ? undefined : JSON.parse(text as string);
  };
  const namesOf = (given: VisibleGiven) => eventsOf(given)?.map(({ name }: { name: string }) => name);

  test('all of it, to the nanosecond', () => {
    const events: VisibleGiven['events'] = [
      { name: 'first', time: [1_767_528_000, 123_456_789] },
      { name: 'second', time: [1_767_528_000, 5], attributes: { a: ['b'] }, droppedAttributesCount: 1 },
    ];
    expect(eventsOf({ events })).toEqual([
      { name: 'first', time: '2026-01-04T12:00:00.123456789Z' },
      { name: 'second', time: '2026-01-04T12:00:00.000000005Z', attributes: { a: ['b'] }, droppedAttributesCount: 1 },
    ]);
  });

  const messages = [
    { name: 'gen_ai.user.message', attributes: { content: 'q' } },
    { name: 'log' },
    { name: 'gen_ai.choice', attributes: { message: 'a' } },
    { name: 'gen_ai.other' },
  ];
  const details = [
    { name: 'gen_ai.client.inference.operation.details', attributes: { x: 1 } },
    { name: 'gen_ai.client.inference.operation.details', attributes: { 'gen_ai.input.messages': 'q' } },
    { name: 'gen_ai.user.message', attributes: { content: 'q' } },
  ];
  const contents = [
    { name: 'gen_ai.content.prompt', attributes: { 'gen_ai.prompt': 'q' } },
    { name: 'gen_ai.content.prompt', attributes: { 'gen_ai.prompt': 'again' } },
    { name: 'gen_ai.content.completion' },
  ];
  const DETAILS = 'gen_ai.client.inference.operation.details';
  const [PROMPT, COMPLETION] = ['gen_ai.content.prompt', 'gen_ai.content.completion'];
  const partlyRead: [name: string, event: string, attributes: Record<string, unknown>][] = [
    ['the id of a response', DETAILS, { 'gen_ai.input.messages': 'q', 'gen_ai.response.id': 'r' }],
    [
      'a tool call beside messages',
      DETAILS,
      { 'gen_ai.output.messages': 'a', 'gen_ai.tool.call.result': 'r', 'gen_ai.input.messages': 'q' },
    ],
    ['instructions without a list', DETAILS, { 'gen_ai.input.messages': 'q', 'gen_ai.system_instructions': 's' }],
    ['something beside a prompt', PROMPT, { 'gen_ai.prompt': 'q', foo: 1 }],
    ['something beside dotted keys', PROMPT, { 'gen_ai.prompt.0.content': 'q', foo: 1 }],
    ['dotted keys of the other side', PROMPT, { 'gen_ai.prompt.0.content': 'q', 'gen_ai.completion.0.content': 'a' }],
    ['a place that is left out', PROMPT, { 'gen_ai.prompt.0.content': 'q', 'gen_ai.prompt.99999.content': 'q' }],
    ['choices in a prompt', PROMPT, { events: '[{"event.name":"gen_ai.choice"},{"a":1}]' }],
  ];
  const whollyRead: typeof partlyRead = [
    [
      'instructions in front of a list',
      DETAILS,
      { 'gen_ai.input.messages': '[{"role":"user"}]', 'gen_ai.system_instructions': 's' },
    ],
    ['a tool call', DETAILS, { 'gen_ai.tool.call.arguments': '{}', 'gen_ai.tool.call.result': 'r' }],
    ['dotted keys', PROMPT, { 'gen_ai.prompt.0.content': 'q', 'gen_ai.prompt.0.role': 'user' }],
    ['a completion', COMPLETION, { 'gen_ai.completion': 'a' }],
    ['what is stored as it is', COMPLETION, { foo: 1, bar: 2 }],
  ];
  const rows: [name: string, given: VisibleGiven, expected: string[] | undefined][] = [
    ['none', {}, undefined],
    ['messages that are input and output', { events: messages }, ['log', 'gen_ai.other']],
    ['nothing but such messages', { events: [messages[0]!] }, undefined],
    [
      'messages while the sender says what input is',
      { events: messages, attributes: { 'langfuse.observation.input': '' } },
      messages.map(({ name }) => name),
    ],
    [
      'messages while an attribute of a later rule is there',
      { events: messages, attributes: { 'input.value': 'x' } },
      ['log', 'gen_ai.other'],
    ],
    [
      'messages in a scope whose own rule wins',
      { events: [messages[0]!], scope: { name: 'ai' } },
      ['gen_ai.user.message'],
    ],
    [
      'the one operation details event that counts',
      { events: details },
      ['gen_ai.client.inference.operation.details', 'gen_ai.user.message'],
    ],
    ...partlyRead.map(([name, event, attributes]): [string, VisibleGiven, string[] | undefined] => [
      `${name}: something of it is shown nowhere`,
      { events: [{ name: event, attributes }] },
      [event],
    ]),
    ...whollyRead.map(([name, event, attributes]): [string, VisibleGiven, string[] | undefined] => [
      name,
      { events: [{ name: event, attributes }] },
      undefined,
    ]),
    ['the first content event of a name', { events: contents }, ['gen_ai.content.prompt', 'gen_ai.content.completion']],
  ];
  test.each(rows)('%s', (_name, given, expected) => {
    expect(namesOf(given)).toEqual(expected);
  });
});

describe('exceptions', () => {
  const exception = (attributes: Record<string, unknown>) => ({ name: 'exception', attributes });
  const boom = exception({ 'exception.message': 'boom', 'exception.type': 'Error' });
  const LEVEL = { 'langfuse.observation.level': 'ERROR' };
  const messageOf = (text: string) => ({ 'langfuse.observation.status_message': text });
  const ORIGINAL = 'langfuse.observation.metadata.otel.originalLevel';
  const levelled = (level: unknown): VisibleGiven => ({
    ...{ events: [boom], status: { code: SpanStatusCode.UNSET, message: 'm' } },
    attributes: { 'langfuse.observation.level': level },
  });
  const rows: [name: string, given: VisibleGiven, expected: Record<string, unknown>][] = [
    ['an empty level', levelled(''), LEVEL],
    ['a level without a value', levelled(null), LEVEL],
    ['a level that Langfuse does not know', levelled('banana'), { ...LEVEL, [ORIGINAL]: 'banana' }],
    ['a level that is no text', levelled(5), { ...LEVEL, [ORIGINAL]: 5 }],
    ['a level of another name', levelled(' fatal'), { 'langfuse.observation.level': ' fatal' }],
    ['an empty message', { events: [boom], attributes: messageOf('') }, { ...LEVEL, ...messageOf('boom') }],
    ['an empty message over the status’s', { ...levelled('WARN'), attributes: messageOf('') }, LEVEL],
    ['no exception', { events: [{ name: 'exceptional', attributes: { 'exception.message': 'x' } }] }, {}],
    ['one', { events: [boom] }, { ...LEVEL, ...messageOf('boom') }],
    [
      'the last of several',
      { events: [exception({ 'exception.message': 'first' }), boom, { name: 'log' }] },
      { ...LEVEL, ...messageOf('boom') },
    ],
    [
      'no message but a type',
      { events: [exception({ 'exception.message': '', 'exception.type': 'E' })] },
      { ...LEVEL, ...messageOf('E') },
    ],
    ['neither', { events: [exception({})] }, LEVEL],
    [
      'a message that is no text',
      { events: [exception({ 'exception.message': kvlist({ a: 1 }) })] },
      { ...LEVEL, ...messageOf('{"a":1}') },
    ],
    ['status OK', { events: [boom], status: { code: SpanStatusCode.OK } }, {}],
    ['status ERROR', { events: [boom], status: { code: SpanStatusCode.ERROR } }, messageOf('boom')],
    ['status ERROR with a message', { events: [boom], status: { code: SpanStatusCode.ERROR, message: 'm' } }, {}],
    ['a message without a status', { events: [boom], status: { code: SpanStatusCode.UNSET, message: 'm' } }, LEVEL],
    [
      'a level of the sender',
      { events: [boom], attributes: { 'langfuse.observation.level': 'WARNING' } },
      { 'langfuse.observation.level': 'WARNING', ...messageOf('boom') },
    ],
    ['a message of the sender', { events: [boom], attributes: messageOf('mine') }, { ...LEVEL, ...messageOf('mine') }],
  ];
  test.each(rows)('%s', (_name, given, expected) => {
    expect(attributesAfter(exceptionToLevel, given)).toEqual(expected);
  });
});
