import { liftToolDefinitions } from '../../../src/langfuse/observation/tool-definitions';

const F = { type: 'function', function: { name: 'f', parameters: {} } };
const G = { name: 'g', description: 'd' };
const NAMELESS = { type: 'web_search' };

const lift = (input: unknown, metadata: Record<string, unknown>) => liftToolDefinitions({ input, metadata });
const json = JSON.stringify;

describe('where tools come from', () => {
  const rows: [name: string, metadata: Record<string, unknown>, tools: unknown[], rest: Record<string, unknown>][] = [
    ['metadata tools', { tools: [F, G], x: 1 }, [F, G], { x: 1 }],
    [
      'ai.prompt.tools, each as JSON',
      { attributes: { 'ai.prompt.tools': json([json(F), json(G)]), x: '1' } },
      [F, G],
      { attributes: { x: '1' } },
    ],
    [
      'ai.prompt.tools of the provider',
      { attributes: { 'ai.prompt.tools': json([NAMELESS]), x: '1' } },
      [NAMELESS],
      { attributes: { x: '1' } },
    ],
    [
      'gen_ai.tool.definitions',
      { attributes: { 'gen_ai.tool.definitions': json([F]), x: '1' } },
      [F],
      { attributes: { x: '1' } },
    ],
    [
      'function_tools',
      { attributes: { model_request_parameters: json({ function_tools: [G], x: 1 }) } },
      [G],
      { attributes: { model_request_parameters: '{"x":1}' } },
    ],
    [
      'function_tools alone',
      { attributes: { model_request_parameters: json({ function_tools: [G] }), x: '1' } },
      [G],
      { attributes: { x: '1' } },
    ],
    [
      'llm.tools.N.tool.json_schema, by number',
      { attributes: { 'llm.tools.10.tool.json_schema': json(G), 'llm.tools.9.tool.json_schema': json(F), x: '1' } },
      [F, G],
      { attributes: { x: '1' } },
    ],
    [
      'all of them, each name once',
      { tools: [G], attributes: { 'ai.prompt.tools': json([F, NAMELESS]), 'gen_ai.tool.definitions': json([F, G]) } },
      [G, F, NAMELESS],
      {},
    ],
    [
      'not the empty list in front',
      { tools: [], attributes: { 'gen_ai.tool.definitions': json([F]) } },
      [F],
      { tools: [] },
    ],
    [
      'attributes as JSON',
      { attributes: json({ 'gen_ai.tool.definitions': [F], x: '1' }) },
      [F],
      { attributes: { x: '1' } },
    ],
    [
      'attributes as JSON without tools stay text',
      { tools: [F], attributes: '{"x":1}' },
      [F],
      { attributes: '{"x":1}' },
    ],
  ];
  test.each(rows)('%s', (_name, metadata, tools, rest) => {
    expect(lift(null, metadata)).toEqual({ input: { tools }, metadata: rest });
  });
});

describe('what is no list of tools stays', () => {
  test.each([
    ['no tools', { attributes: { x: '1' } }],
    ['an empty list', { attributes: { 'ai.prompt.tools': '[]' } }],
    ['no JSON', { attributes: { 'ai.prompt.tools': 'x' } }],
    ['one element that is none', { attributes: { 'ai.prompt.tools': json([F, 'x']) } }],
    ['nameless definitions', { attributes: { 'gen_ai.tool.definitions': json([NAMELESS]) } }],
    ['a name beside an empty function', { tools: [{ function: '', name: 'x' }] }],
    ['nameless metadata tools', { tools: [NAMELESS] }],
    ['nameless function_tools', { attributes: { model_request_parameters: json({ function_tools: [NAMELESS] }) } }],
    ['a nameless schema', { attributes: { 'llm.tools.0.tool.json_schema': json({ a: 1 }) } }],
    ['attributes that are text', { attributes: 'ai.prompt.tools' }],
  ])('%s', (_name, metadata) => {
    expect(lift('x', metadata)).toEqual({ input: 'x', metadata });
  });
});

describe('how they come into the input', () => {
  const metadata = { tools: [F] };
  test.each([
    ['nothing', null, { tools: [F] }],
    ['the JSON null', 'null', { tools: [F] }],
    ['text', 'hello', { prompt: 'hello', tools: [F] }],
    ['a JSON text', '"hello"', { prompt: 'hello', tools: [F] }],
    ['messages', '[{"role":"user"}]', { messages: [{ role: 'user' }], tools: [F] }],
    ['a list', ['a'], { messages: ['a'], tools: [F] }],
    ['an object', '{"a":1}', { a: 1, tools: [F] }],
    ['an object with tools of its own', json({ tools: [G, F] }), { tools: [G, F] }],
    ['an object with tools as JSON', { tools: json([NAMELESS, { x: 1 }]) }, { tools: [NAMELESS, F] }],
    ['an object with null for tools', { tools: null }, { tools: [F] }],
  ])('%s', (_name, input, expected) => {
    expect(lift(input, metadata)).toEqual({ input: expected, metadata: {} });
  });

  test.each([
    ['a number', 5],
    ['a JSON number', '5'],
    ['tools of another kind', '{"tools":5}'],
    ['a list without a tool', { tools: [{ x: 1 }] }],
  ])('%s takes none', (_name, input) => {
    expect(lift(input, metadata)).toEqual({ input, metadata });
  });
});
