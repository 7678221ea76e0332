import { messagesOf, type Part } from '../../ui/src/span/messages';

const PNG = 'data:image/png;base64,iVBORw0KGgo=';

const text = (said: string): Part => ({ kind: 'text', text: said });
const image = (source: string): Part => ({ kind: 'image', source });
const other = (value: unknown): Part => ({ kind: 'other', value });
const call = (name: string, input: unknown, id: string | null = null): Part => ({ kind: 'call', name, id, input });
const result = (output: unknown, id: string | null = null, name: string | null = null): Part => ({
  ...{ kind: 'result', name, id, output },
});

describe('a message', () => {
  test.each<[name: string, message: object, parts: Part[]]>([
    ['a text', { content: 'hi' }, [text('hi')]],
    ['an empty text', { content: '' }, []],
    ['nothing', { content: null }, []],
    ['a list of texts', { content: ['a', 'b'] }, [text('a'), text('b')]],
    ['one part', { content: { type: 'text', text: 'hi' } }, [text('hi')]],
    ['parts in place of content', { parts: [{ type: 'text', content: 'hi' }] }, [text('hi')]],
    ['no parts, and content', { parts: [], content: 'hi' }, [text('hi')]],
    ['parts that say the content again', { content: 'ab', parts: ['a', 'b'] }, AB()],
    ['parts that say something else', { content: 'c', parts: ['a', 'b'] }, [text('c'), ...AB()]],
    ['neither text nor object', { content: [1, null, [2]] }, [other(1), other(null), other([2])]],
    ['a refusal', { content: null, refusal: 'I cannot' }, [text('I cannot')]],
    ['a reasoning beside', { content: 'b', reasoning_content: 'a' }, [{ kind: 'thinking', text: 'a' }, text('b')]],
    [
      'a reasoning told twice',
      { content: 'b', reasoning: 'a', reasoning_content: 'a' },
      [{ kind: 'thinking', text: 'a' }, text('b')],
    ],
    ['nothing where it is looked for', { content: '', data: 'hi' }, [other({ content: '', data: 'hi' })]],
  ])('%s', (_, message, parts) => {
    expect(messagesOf({ role: 'user', ...message })).toEqual([{ role: 'user', name: null, parts }]);
  });

  function AB(): Part[] {
    return [text('a'), text('b')];
  }

  test('says who speaks', () => {
    const [message] = messagesOf({ role: 'user', name: 'Ada', content: 'hi' }) ?? [];
    expect(message).toEqual({ role: 'user', name: 'Ada', parts: [text('hi')] });
  });
});

describe('a part', () => {
  test.each<[name: string, part: unknown, expected: Part]>([
    ['text', { type: 'text', text: 'hi' }, text('hi')],
    ['text without a type', { text: 'hi' }, text('hi')],
    ['text in another field', { type: 'text', text: '', content: 'hi' }, text('hi')],
    ['empty text', { type: 'text', text: '' }, text('')],
    ['text of the Responses API', { type: 'output_text', text: 'hi' }, text('hi')],
    ['text that is none', { type: 'text', text: 7 }, other({ type: 'text', text: 7 })],
    ['thinking', { type: 'thinking', thinking: 'so', signature: 's' }, { kind: 'thinking', text: 'so' }],
    ['reasoning', { type: 'reasoning', content: 'so' }, { kind: 'thinking', text: 'so' }],
    ['empty thinking', { type: 'thinking', thinking: '' }, other({ type: 'thinking', thinking: '' })],
    ['image of OpenAI', { type: 'image_url', image_url: { url: PNG } }, image(PNG)],
    ['image of the Responses API', { type: 'input_image', image_url: 'https://a/b.png' }, image('https://a/b.png')],
    [
      'image of the AI SDK',
      { type: 'image', image: 'AAAA', mimeType: 'image/gif' },
      image('data:image/gif;base64,AAAA'),
    ],
    ['image in Langfuse', { type: 'image', image: '@@@langfuseMedia:x@@@' }, image('@@@langfuseMedia:x@@@')],
    [
      'image of Anthropic',
      { type: 'image', source: { type: 'base64', media_type: 'image/webp', data: 'AAAA' } },
      image('data:image/webp;base64,AAAA'),
    ],
    [
      'image of Anthropic by address',
      { type: 'image', source: { type: 'url', url: 'https://a/b' } },
      image('https://a/b'),
    ],
    ['image by id', { type: 'image', source: { file_id: 'f' } }, other({ type: 'image', source: { file_id: 'f' } })],
    [
      'blob that is an image',
      { type: 'blob', mime_type: 'image/png', content: 'AA' },
      image('data:image/png;base64,AA'),
    ],
    ['file of the AI SDK', { type: 'file', mediaType: 'text/csv', data: 'YQ==' }, csv('YQ==')],
    ['file of OpenAI', { type: 'file', file: { file_data: 'YQ==' }, mime_type: 'text/csv' }, csv('YQ==')],
    ['file by id', { type: 'file', file: { file_id: 'f' } }, other({ type: 'file', file: { file_id: 'f' } })],
    ['call of Anthropic', { type: 'tool_use', id: '1', name: 'add', input: { a: 1 } }, call('add', { a: 1 }, '1')],
    ['call of the AI SDK', { type: 'tool-call', toolCallId: '1', toolName: 'add', args: [1] }, call('add', [1], '1')],
    ['call that names nothing', { type: 'tool_call', custom: 'a' }, other({ type: 'tool_call', custom: 'a' })],
    ['result of Anthropic', { type: 'tool_result', tool_use_id: '1', content: '{"a":1}' }, result({ a: 1 }, '1')],
    [
      'result of the AI SDK',
      { type: 'tool-result', toolCallId: '1', toolName: 'add', output: 3 },
      result(3, '1', 'add'),
    ],
    ['result of the conventions', { type: 'tool_call_response', id: '1', response: 'sun' }, result('sun', '1')],
    ['result that is false', { type: 'tool_result', result: false }, result(false)],
    ['result without one', { type: 'tool_result', error: 'no' }, other({ type: 'tool_result', error: 'no' })],
    ['of an unknown type', { type: 'input_audio', data: 'AA' }, other({ type: 'input_audio', data: 'AA' })],
    ['of a type every object has', { type: 'constructor', a: 1 }, other({ type: 'constructor', a: 1 })],
    ['of a type that is no text', { type: { toString: 1 } }, other({ type: { toString: 1 } })],
  ])('%s', (_, part, expected) => {
    expect(messagesOf([{ role: 'assistant', content: [part] }])?.[0]?.parts).toEqual([expected]);
  });

  function csv(data: string): Part {
    return { kind: 'file', mediaType: 'text/csv', data };
  }
});

describe('tools', () => {
  test.each<[name: string, message: object, parts: Part[]]>([
    [
      'a call, its arguments as JSON',
      { tool_calls: [{ id: '1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }] },
      [call('add', { a: 1 }, '1')],
    ],
    [
      'arguments that are no JSON',
      { tool_calls: [{ function: { name: 'add', arguments: '{"a":' } }] },
      [call('add', '{"a":')],
    ],
    ['arguments that are a number', { tool_calls: [{ name: 'add', arguments: '17' }] }, [call('add', '17')]],
    ['a call without a name', { tool_calls: [{ arguments: 'x' }] }, [call('without a name', 'x')]],
    ['a call of another form', { tool_calls: [{ custom: 'x' }, 'y'] }, [other({ custom: 'x' }), other('y')]],
    ['calls that are no list', { tool_calls: { name: 'add' } }, [call('add', null)]],
    ['the call of older models', { function_call: { name: 'add', arguments: '[]' } }, [call('add', [])]],
    ['a text and a call', { content: 'hm', toolCalls: [{ toolName: 'add' }] }, [text('hm'), call('add', null)]],
  ])('%s', (_, message, parts) => {
    expect(messagesOf([{ role: 'assistant', ...message }])?.[0]?.parts).toEqual(parts);
  });

  test.each([
    ['tool', { tool_call_id: '1', content: '{"a":1}' }, result({ a: 1 }, '1')],
    ['tool', { toolCallId: '1', name: 'add', content: 'sun' }, result('sun', '1', 'add')],
    ['function', { name: 'add', content: '3' }, result('3', null, 'add')],
    ['tool', { content: [{ type: 'text', text: 'sun' }] }, text('sun')],
  ])('what a %s answers: %j', (role, message, part) => {
    expect(messagesOf([{ role, ...message }])?.[0]?.parts).toEqual([part]);
  });
});

describe('a chat', () => {
  const hi = { role: 'user', content: 'hi' };
  const said = { role: 'user', name: null, parts: [text('hi')] };

  test.each<[name: string, value: unknown, messages: unknown[]]>([
    ['a list', [hi, hi], [said, said]],
    ['one message', hi, [said]],
    ['a request', { messages: [hi] }, [said]],
    ['a request that leaves fields empty', { messages: [hi], system: '', tools: [], model: null }, [said]],
    [
      'a request with a system prompt',
      { messages: [hi], system: 'Be kind' },
      [{ role: 'system', name: null, parts: [text('Be kind')] }, said],
    ],
    [
      'a request with more than messages',
      { messages: [hi], tools: [{ name: 'add' }], model: 'm' },
      [said, { role: 'other fields', name: null, parts: [other({ tools: [{ name: 'add' }], model: 'm' })] }],
    ],
  ])('%s', (_, value, messages) => {
    expect(messagesOf(value)).toEqual(messages);
  });

  test.each<[name: string, value: unknown]>([
    ['a text', 'hi'],
    ['nothing', null],
    ['a number', 1],
    ['an empty list', []],
    ['an empty request', { messages: [] }],
    ['messages that are no list', { messages: hi }],
    ['a list with something else in it', [hi, 'hi']],
    ['a request with something else in it', { messages: [hi, 1], system: 's' }],
    ['a role without a body', { role: 'user' }],
    ['a role that is no text', { role: 1, content: 'hi' }],
    ['a body without a role', { content: 'hi' }],
    ['lists in lists', [[hi]]],
    ['too many messages', Array(2_001).fill(hi)],
  ])('%s is none', (_, value) => {
    expect(messagesOf(value)).toBeNull();
  });

  test('the most messages are still one', () => {
    expect(messagesOf(Array(2_000).fill(hi))).toHaveLength(2_000);
  });
});
