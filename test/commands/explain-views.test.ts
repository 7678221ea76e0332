import { explained, type GivenSpan, having, jsonOf, run } from './explain-runs';

const shown = async (...spans: readonly GivenSpan[]) => {
  const { code, out, err } = await run(jsonOf(...spans), { json: false });
  expect([code, err]).toEqual([0, '']);
  return out;
};

/** The heads of observations, each by its level and its name. */
const tree = (out: string) =>
  [...out.matchAll(/^( *)[A-Z]+ {2}(\S+) {2}/gm)].map(([, indent, name]) => `${(indent!.length - 2) / 2} ${name}`);

const id = (number: number) => number.toString(16).padStart(16, '0');
/** A span whose id is its number. */
const numbered = (number: number, parent?: number, fields = {}): GivenSpan => ({
  ...{ name: `s${number}`, spanId: id(number), fields },
  ...(parent === undefined ? {} : { parentSpanId: id(parent) }),
});

test('everything that there is of a span, in words', async () => {
  const out = await shown(
    having(
      {
        ...{ 'gen_ai.request.model': 'gpt', 'gen_ai.request.temperature': 0.5, 'gen_ai.usage.input_tokens': 3 },
        ...{ 'gen_ai.usage.cost': 0.25, 'session.id': 's-1', 'user.id': 'u-1', 'langfuse.trace.name': 'a trace' },
        ...{ 'langfuse.tags': ['a', 'b'], 'langfuse.public': true, 'langfuse.release': 'r', 'langfuse.version': 'v' },
        ...{ 'langfuse.environment': 'PROD', 'langfuse.prompt.name': 'p', 'langfuse.prompt.version': '3' },
        ...{ input: 'in\nput', output: 'out', 'langfuse.metadata.mine': 'hidden', 'ai.response.msToFirstChunk': 500 },
      },
      { name: 'chat', status: { code: 2, message: 'boom' }, resource: { 'service.name': 'svc' } },
    ),
  );
  expect(out).toBe(`trace 5b8efff798038103d269b633813fc60c
  GENERATION  chat  2 s from 2023-11-14T22:13:20.000Z, first token after 500 ms
      span         0000000000000001
      parent       none: a root
      level        ERROR: boom
      model        gpt
      parameters   {"temperature":0.5}
      usage        input 3
      cost         total 0.25
      session      s-1
      user         u-1
      trace name   a trace
      tags         a, b
      public       yes
      environment  prod
      release      r
      version      v
      prompt       p, version 3
      input        in\\nput
      output       out
      metadata     mine, otel.originalEnvironment, attributes.* (16 keys), resourceAttributes.service.name, scope.name
      repaired     prompt_version_to_number: A prompt version that is a text of digits becomes a number.
      repaired     environment_normalised: The environment of a span is written as Langfuse stores it, and what was sent becomes metadata.

1 observation(s) in 1 trace(s), 1 repaired, 0 with warnings; 0 span(s) rejected
`);
});

test('warnings, and what is not there', async () => {
  const out = await shown({
    fields: { startTimeUnixNano: '1700000000250000000', endTimeUnixNano: '1700000000000000000' },
  });
  expect(out).toContain('  SPAN  a span  -250 ms from 2023-11-14T22:13:20.250Z\n');
  expect(out).toContain('      warning      session_id_missing: a span without a session id (session.id)\n');
  expect(out).toContain('      warning      end_before_start: a span with an end before the start\n');
  expect(out).not.toMatch(/level|model|usage|prompt|input|repaired: /);
});

test('children under their parents, siblings by their start, a trace after another', async () => {
  const late = { startTimeUnixNano: '1700000001000000000' };
  const other = { ...numbered(9), traceId: 'f'.repeat(32) };
  const out = await shown(numbered(3, 2), numbered(4, 1, late), other, numbered(2, 1), numbered(1));
  expect(tree(out)).toEqual(['0 s1', '1 s2', '2 s3', '1 s4', '0 s9']);
  expect(out.match(/^trace /gm)).toHaveLength(2);
});

test('a parent that is not there, and the root of an application', async () => {
  const appRoot = having({ 'langfuse.internal.is_app_root': true }, numbered(2, 8));
  const out = await shown(numbered(1, 7), appRoot);
  expect(out).toContain(`parent       ${id(7)}, which is not in this request\n`);
  expect(out).toContain(`parent       ${id(8)}, which is not in this request; marked as the root of an application\n`);
});

test('spans that are their own parents, or each other’s, and one span id twice', async () => {
  const circle = await shown(numbered(1, 2), numbered(2, 1), numbered(3, 1), numbered(4, 4));
  expect(tree(circle)).toEqual(['0 s1', '1 s2', '1 s3', '0 s4']);
  expect(circle).toContain(`parent       ${id(2)}, which is below the span itself: a circle\n`);
  expect(tree(await shown(numbered(1), numbered(1), numbered(2, 1)))).toEqual(['0 s1', '1 s2', '0 s1']);
});

test('long texts are cut, many keys counted', async () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`langfuse.metadata.k${index}`, 'v']));
  const out = await shown(having({ input: `${'x'.repeat(199)}😀${'y'.repeat(1000)}`, ...many }));
  expect(out).toContain(`input        ${'x'.repeat(199)}… (1002 more characters)\n`);
  expect(out).toMatch(/metadata {5}k0, .+, k39, 10 more, attributes\.\* \(50 keys\), scope.name\n/);
});

/** Sets a title, clears the screen, writes backwards; and half a character. */
const HOSTILE = 'a\u001b]0;t\u0007\u009b2J\u202eb\ud800\u0000\r\u2028';

test('what a terminal would obey is escaped', async () => {
  const span = having(
    {
      ...{ 'session.id': HOSTILE, 'user.id': HOSTILE, 'gen_ai.request.model': HOSTILE, 'langfuse.tags': [HOSTILE] },
      ...{ 'langfuse.release': HOSTILE, 'langfuse.version': HOSTILE, 'langfuse.trace.name': HOSTILE, input: HOSTILE },
      ...{ output: HOSTILE, 'gen_ai.request.x': HOSTILE, [`gen_ai.usage.${HOSTILE}`]: 1, 'langfuse.prompt.version': 1 },
      ...{ 'langfuse.observation.cost_details': JSON.stringify({ [HOSTILE]: 1 }), 'langfuse.prompt.name': HOSTILE },
      [`langfuse.metadata.${HOSTILE}`]: HOSTILE,
      [HOSTILE]: HOSTILE,
    },
    { name: HOSTILE, status: { code: 2, message: HOSTILE }, scope: { name: HOSTILE } },
  );
  const out = await shown(span);
  expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u202e]/u);
  expect(out.match(/a\\u001b\]0;t\\u0007\\u009b2J\\u202eb/g)!.length).toBeGreaterThan(14);
  const json = await run(jsonOf(span));
  expect(json.out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect((await explained(jsonOf(span))).observations[0]).toMatchObject({
    sessionId: HOSTILE.replace('\ud800', '\ufffd'),
  });
});

test.each([
  ['a mark of direction', '\u200e', '\\u200e'],
  ['an Arabic mark of direction', '\u061c', '\\u061c'],
  ['an override', '\u202e', '\\u202e'],
  ['an isolate', '\u2066', '\\u2066'],
  ['a byte order mark', '\ufeff', '\\ufeff'],
  ['a space of no width', '\u200b', '\\u200b'],
  ['a joiner', '\u200d', '\\u200d'],
  ['a tag, which writes what nobody sees', '\u{e0041}', '\\udb40\\udc41'],
])('what nobody sees is escaped: %s', async (_, hidden, escaped) => {
  expect(await shown({ name: `a${hidden}b` })).toContain(`  SPAN  a${escaped}b  `);
});
