import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { REPAIR_TEXTS } from '../../src/admission/repair-texts';
import { REPAIRS } from '../../src/admission/repairs';
import { readExplainRequest } from '../../src/commands/explain';
import { KEYS, write } from '../support/configuration';
import { corpusCases } from '../support/corpus';
import { twins } from '../support/otlp-twins';
import { explained, having, jsonOf, requestOf, run } from './explain-runs';

const text = ['string', 'null'];
const record = ['object', 'null'];

/** The contract's keys, in its order, and what JSON has under each. */
const KINDS: readonly (readonly [key: string, kinds: readonly string[]])[] = [
  ...[['traceId', ['string']] as const, ['spanId', ['string']] as const, ['parentSpanId', text] as const],
  ...[['isRoot', ['boolean']] as const, ['type', ['string']] as const, ['name', ['string']] as const],
  ...[['startTime', text] as const, ['endTime', text] as const, ['completionStartTime', text] as const],
  ...[['level', ['string']] as const, ['statusMessage', text] as const, ['model', text] as const],
  ['modelParameters', [...record, 'string', 'number', 'boolean']],
  ...[['usage', record] as const, ['cost', record] as const, ['input', text] as const, ['output', text] as const],
  ...[['sessionId', text] as const, ['userId', text] as const, ['traceName', text] as const],
  ...[['tags', ['array']] as const, ['public', ['boolean']] as const, ['environment', ['string']] as const],
  ...[['release', text] as const, ['version', text] as const, ['promptName', text] as const],
  ...[['promptVersion', ['number', 'null']] as const, ['metadata', ['object']] as const],
  ...[['repairs', ['array']] as const, ['warnings', ['array']] as const],
];

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** Exporters that have no spans send nothing; as a file that is nothing to explain. */
const withBody = corpusCases.filter(({ body }) => body.length > 0);

test.each(withBody.map((each) => [each.name, each] as const))('%s', async (_, { body, spans }) => {
  const { observations, rejected } = await explained(body);
  expect(observations.length + rejected.length).toBe(spans);
  for (const observation of observations) {
    expect(Object.keys(observation)).toEqual(KINDS.map(([key]) => key));
    const wrong = KINDS.filter(([key, kinds]) => !kinds.includes(kindOf(observation[key as keyof typeof observation])));
    expect(wrong).toEqual([]);
    const texts = [...Object.values(observation.metadata), ...observation.tags];
    expect(texts.filter((each) => typeof each !== 'string')).toEqual([]);
  }
  const { code, out, err } = await run(body, { json: false });
  expect([code, err]).toEqual([0, '']);
  for (const { spanId } of observations) expect(out).toMatch(new RegExp(`^ +span +${spanId}$`, 'm'));
  expect(out.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`^${observations.length} observation\\(s\\) in `));
});

const TWO = requestOf(
  having({ 'user.id': 'u', n: 3, list: ['a'] }, { fields: { kind: 2 } }),
  having({ 'gen_ai.request.model': 'm' }, { parentSpanId: '0000000000000001', status: { code: 2, message: 'x' } }),
);

test('JSON, protobuf, and either of them compressed: the same', async () => {
  const [json, protobuf] = twins(TWO).map(([, { body }]) => body) as [Buffer, Buffer];
  const { out } = await run(json);
  expect(JSON.parse(out).observations).toHaveLength(2);
  for (const plain of [json, protobuf]) {
    for (const body of [plain, gzipSync(plain), gzipSync(plain, { level: 0 }), deflateSync(plain)])
      expect(await run(body)).toEqual({ code: 0, out, err: '' });
  }
  expect(await run(`\ufeff \n${json}\n`)).toEqual({ code: 0, out, err: '' });
});

test('what is rejected: its place in the request, and why', async () => {
  const body = jsonOf({ name: 'fine' }, { spanId: 'no id' }, { name: 'fine too' }, { traceId: '0'.repeat(32) });
  const { observations, rejected } = await explained(body);
  expect(observations.map(({ name }) => name)).toEqual(['fine', 'fine too']);
  expect(rejected).toEqual([
    {
      index: 1,
      reason: expect.stringMatching(/^invalid_span_id: resourceSpans\[1\]\.scopeSpans\[0\]\.spans\[0\]\.spanId is /),
    },
    {
      index: 3,
      reason: expect.stringMatching(
        /^invalid_trace_id: resourceSpans\[3\]\.\S+ is missing, all zero, or not of 16 bytes$/,
      ),
    },
  ]);
  const { out } = await run(body, { json: false });
  expect(out).toContain(`rejected: span 1, ${rejected[0]?.reason}\n`);
  expect(out).toMatch(/\n2 observation\(s\) in 1 trace\(s\), 0 repaired, 2 with warnings; 2 span\(s\) rejected\n$/);
});

describe('it goes by the configuration', () => {
  const child = jsonOf(having({ 'langfuse.environment': 'PROD' }), {});
  const destination = { ...KEYS, LANGFUSE_TRACING_ENVIRONMENT: 'staging', LANGFUSE_RELEASE: 'r1' };
  const of = async (env: Record<string, string>, yaml?: string) => {
    const configFile = yaml === undefined ? {} : { configFile: write(yaml) };
    const { observations } = await explained(child, { env, ...configFile });
    return observations.map(({ environment, release, repairs }) => [environment, release, repairs]);
  };

  test('without a destination', async () => {
    expect(await of({})).toEqual([
      ['prod', null, ['environment_normalised']],
      ['prod', null, ['trace_environment']],
    ]);
  });

  test('with what is put on spans that have none, and repairs that are switched off', async () => {
    const yaml = 'repairs: { environment_normalised: false, trace_environment: false }\n';
    expect(await of(destination, yaml)).toEqual([
      ['prod', 'r1', []],
      ['staging', 'r1', []],
    ]);
    expect(await of({ ...destination, GATEWAY_CONFIG: write(yaml) })).toEqual(await of(destination, yaml));
  });

  test('variables that it does not need may be mistaken', async () => {
    const env = { ...destination, PORT: 'x', HOST: '0.0.0.0', GATEWAY_QUEUE: 'y', LOG_LEVEL: 'loud' };
    expect(await of(env)).toEqual(await of(destination));
  });

  test.each([
    ['a variable', { LANGFUSE_SECRET_KEY: 'sk-lf-1', PORT: 'x' }, undefined, 'LANGFUSE_PUBLIC_KEY'],
    ['the file', {}, 'repairs: { typo: true }\n', 'gateway.yaml:1'],
  ])('a mistake in what it needs: %s', async (_, env, yaml, place) => {
    const configFile = yaml === undefined ? {} : { configFile: write(yaml) };
    const { code, out, err } = await run(child, { env: env as Record<string, string>, ...configFile });
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(place);
    expect(err).not.toContain('PORT');
  });
});

test('the trace context of a JSON body', async () => {
  const traceContext = { traceId: 'a'.repeat(32), parentSpanId: 'b'.repeat(16) };
  const { observations } = await explained(JSON.stringify({ ...requestOf({}), traceContext }));
  expect(observations).toMatchObject([{ ...traceContext, isRoot: false, repairs: ['trace_context'] }]);
});

test.each([
  ['a list', (spans: object[]) => spans],
  ['an object', (spans: object[]) => ({ spans })],
])('transparent spans, in %s; one that is rejected is named by its place', async (_, wrapped) => {
  const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'click', startTime: [1700000000, 0], kind: 2 };
  const { observations, rejected } = await explained(JSON.stringify(wrapped([{ name: 'no ids' }, span])));
  expect(observations).toMatchObject([{ traceId: span.traceId, name: 'click', isRoot: true }]);
  expect(rejected).toEqual([{ index: 0, reason: expect.stringContaining('spans[0].traceId') }]);
});

test('every repair has its words', () => {
  expect(Object.keys(REPAIR_TEXTS)).toEqual(expect.arrayContaining([...REPAIRS]));
  for (const repair of REPAIRS) expect(REPAIR_TEXTS[repair]).toMatch(/^[A-Z].*\.$/);
});

test.each([
  [['f'], { file: 'f', json: true }],
  [['-'], { file: '-', json: true }],
  [[], 'explain takes one FILE, or - for standard input'],
  [[''], 'explain takes one FILE, or - for standard input'],
  [['f', 'g'], 'explain takes one FILE, or - for standard input'],
])('the words %j', (words, expected) => {
  expect(readExplainRequest(words, true)).toEqual(expected);
});

describe('what cannot be read: what it looks like, and what is wanted', () => {
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, 3]), Buffer.from('\n\u0001x')]);
  test.each<[string, Buffer | string, string | RegExp]>([
    ['nothing', '', 'it is empty'],
    ['white space', ' \n\n', 'it is empty'],
    ['HTML', '<!doctype html><title>404</title>', 'it looks like HTML or XML'],
    ['a capture with its headers', 'POST /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n{}', /its headers.+its body alone/],
    ['gRPC', frame, /gRPC.+first five bytes/],
    ['text', 'hello', 'neither JSON nor protobuf'],
    [
      'Brotli, which has no mark',
      brotliCompressSync(jsonOf({})),
      /neither JSON nor protobuf.+brotli.+decompress it first/,
    ],
    ['logs', '{"resourceLogs":[]}', /OTLP logs.+\/v1\/traces/],
    ['metrics', '{"resource_metrics":[]}', 'OTLP metrics'],
    ['an answer', '{"partialSuccess":{}}', 'the answer to an OTLP request'],
    ['JSON that breaks off', '{"resourceSpans":[{"a"', /^standard input: JSON: /],
    ['protobuf that breaks off', '\n\n\n hello', /^standard input: protobuf: truncated/],
    ['gzip that breaks off', gzipSync(jsonOf({})).subarray(0, 40), /^standard input: gzip: /],
  ])('%s', async (_, body, message) => {
    const { code, out, err } = await run(body);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(message);
    expect(err).toMatch(/^standard input: [^\n]+\n$/);
  });

  test('a request without spans is one', async () => {
    expect(await explained('{"resourceSpans":[]}')).toEqual({ observations: [], rejected: [] });
    expect((await run('{}', { json: false })).out).toBe(
      '0 observation(s) in 0 trace(s), 0 repaired, 0 with warnings; 0 span(s) rejected\n',
    );
  });

  test('spans that are all rejected are no other signal', async () => {
    const bad = { fields: { traceId: '', startTimeUnixNano: 0, endTimeUnixNano: 0 }, attributes: { a: 'b' } };
    for (const [, { body }] of twins(requestOf(bad)))
      expect(await explained(body)).toMatchObject({ observations: [], rejected: [{ index: 0 }] });
    const beside = JSON.stringify({ ...requestOf(bad), batch: [], error: '' });
    expect(await explained(beside)).toMatchObject({ observations: [], rejected: [{ index: 0 }] });
  });
});

test('docs/explain.md shows what is printed', async () => {
  const text = readFileSync(join(__dirname, '../../docs/explain.md'), 'utf8');
  const [, request = '', printed] = /```json\n([\s\S]+?)```\n\n```text\n([\s\S]+?)```/.exec(text) ?? [];
  expect(await run(request, { json: false })).toEqual({ code: 0, out: printed, err: '' });
});
