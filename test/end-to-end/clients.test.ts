import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CanonicalSpan, type CanonicalValue, canonicalFromJson } from '../support/canonical';
import { Traces } from '../support/carried-attributes';
import { canonicalOfSent, prepareExamples, run, runClient } from '../support/client-programs';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { visible } from '../support/visible-span';

interface Client {
  program: string;
  env?: Record<string, string>;
  /** Bit 8 says that remoteness is known; the 1.x exporters write no flags at all. */
  flags: number;
  encoding: 'json' | 'protobuf';
  contentEncoding: string;
  /** Parent by name; an empty one is a root. */
  parents: Record<string, string>;
  /** Typed values, by span name and key. */
  values: [span: string, key: string, value: CanonicalValue][];
}

const INGEST_KEY = 'gw-clients-1';
const ROOT = join(__dirname, '../..');

const OTEL_RUN: Pick<Client, 'parents' | 'values'> = {
  parents: { 'agent run': '', 'chat gpt-4o': 'agent run', 'execute_tool weather': 'agent run' },
  values: [
    ['agent run', 'agent.tools', { array: [{ string: 'weather' }, { string: 'calendar' }] }],
    ['chat gpt-4o', 'gen_ai.usage.input_tokens', { int: 42n }],
    ['chat gpt-4o', 'gen_ai.request.temperature', { double: 0.2 }],
    ['chat gpt-4o', 'gen_ai.request.stream', { bool: false }],
    ['execute_tool weather', 'session.id', { string: 'session-1' }],
  ],
};

const OBSERVATIONS = {
  'agent run': 'agent',
  prepare: 'span',
  ask: 'generation',
  weather: 'tool',
  'find documents': 'retriever',
  'embed question': 'embedding',
  'answer chain': 'chain',
  'judge answer': 'evaluator',
  'check words': 'guardrail',
  'answer shown': 'event',
};

const LANGFUSE_RUN: Pick<Client, 'flags' | 'encoding' | 'contentEncoding' | 'parents' | 'values'> = {
  ...{ flags: 0x101, encoding: 'json', contentEncoding: '' },
  parents: Object.fromEntries(Object.keys(OBSERVATIONS).map((name) => [name, name === 'agent run' ? '' : 'agent run'])),
  values: [
    ...Object.entries(OBSERVATIONS).map(([name, type]): Client['values'][number] => [
      name,
      'langfuse.observation.type',
      { string: type },
    ]),
    ['ask', 'langfuse.observation.usage_details', { string: '{"input":42,"output":7,"total":49}' }],
    ['check words', 'user.id', { string: 'user-1' }],
    ['weather', 'session.id', { string: 'session-1' }],
    ['answer shown', 'langfuse.trace.tags', { array: [{ string: 'example' }, { string: 'zürich' }] }],
  ],
};

const otel = (options: { program: string; flags: number; encoding: 'json' | 'protobuf'; gzip: boolean }): Client => ({
  ...OTEL_RUN,
  ...{ program: options.program, flags: options.flags, encoding: options.encoding },
  contentEncoding: options.gzip ? 'gzip' : '',
  env: {
    OTEL_EXPORTER_OTLP_PROTOCOL: `http/${options.encoding}`,
    OTEL_EXPORTER_OTLP_COMPRESSION: options.gzip ? 'gzip' : 'none',
  },
});

const NEW = { program: 'examples/otel-js/index.mjs', flags: 0x101 };
const OLD = { program: 'otel-1.mjs', flags: 0 };

const CLIENTS: [name: string, client: Client][] = [
  ['OTel JS 2.x, protobuf', otel({ ...NEW, encoding: 'protobuf', gzip: false })],
  ['OTel JS 2.x, protobuf and gzip', otel({ ...NEW, encoding: 'protobuf', gzip: true })],
  ['OTel JS 2.x, JSON', otel({ ...NEW, encoding: 'json', gzip: false })],
  ['OTel JS 2.x, JSON and gzip', otel({ ...NEW, encoding: 'json', gzip: true })],
  ['OTel JS 1.x, protobuf', otel({ ...OLD, encoding: 'protobuf', gzip: false })],
  ['OTel JS 1.x, protobuf and gzip', otel({ ...OLD, encoding: 'protobuf', gzip: true })],
  ['OTel JS 1.x, JSON', otel({ ...OLD, encoding: 'json', gzip: false })],
  ['OTel JS 1.x, JSON and gzip', otel({ ...OLD, encoding: 'json', gzip: true })],
  ['Langfuse SDK v5', { program: 'examples/langfuse-sdk/index.mjs', ...LANGFUSE_RUN }],
  ['Langfuse SDK v4', { program: 'langfuse-4.mjs', ...LANGFUSE_RUN }],
  [
    'Vercel AI SDK',
    {
      program: 'examples/vercel-ai/index.mjs',
      ...{ flags: 0x101, encoding: 'json', contentEncoding: '' },
      parents: { 'execute_tool weather': 'step 1', 'step 2': 'invoke_agent mock-model' },
      values: [
        ['execute_tool weather', 'gen_ai.tool.call.result', { string: '{"city":"Zürich","celsius":22}' }],
        ['step 2', 'session.id', { string: 'session-1' }],
        ['chat mock-model', 'gen_ai.usage.input_tokens', { int: 10n }],
      ],
    },
  ],
];

let fake: FakeLangfuse;
beforeAll(prepareExamples);
beforeEach(async () => {
  fake = await startFakeLangfuse();
});
afterEach(() => fake.close());

describe('straight to Langfuse, to see that the clients do what they are here for', () => {
  test.each(CLIENTS)('%s', async (_, client) => {
    const { publicKey, secretKey, baseUrl } = fake;
    const basic = encodeURIComponent(`Basic ${btoa(`${publicKey}:${secretKey}`)}`);
    const otelBase = `${baseUrl}/api/public/otel`;
    await runAndCompare(client, asItCame, { baseUrl, otelBase, authorization: basic, publicKey, secretKey });
    expect(new Set(fake.requests.map((post) => `${post.encoding} ${post.contentEncoding}`))).toEqual(
      new Set([`${client.encoding} ${client.contentEncoding}`]),
    );
  });
});

describe('through the gateway, with its key and nothing else changed', () => {
  let gateway: RunningGateway;
  beforeEach(async () => {
    gateway = await startGateway({ fake, env: { GATEWAY_INGEST_KEYS: INGEST_KEY } });
  });
  afterEach(() => gateway.stop());

  test.each(CLIENTS)('%s', async (_, client) => {
    await runAndCompare(client, visible, {
      ...{ baseUrl: gateway.url, otelBase: gateway.url, authorization: `Bearer%20${INGEST_KEY}` },
      ...{ publicKey: 'pk-lf-any', secretKey: INGEST_KEY },
    });
    expect(JSON.stringify(fake.requests.map((post) => post.headers))).not.toContain(INGEST_KEY);
  });

  test('curl', async () => {
    const printed = await run('sh', [join(ROOT, 'examples/curl/send.sh')], { ENDPOINT: gateway.url, KEY: INGEST_KEY });
    const traceId = /^trace (\w+)$/m.exec(printed)?.[1] ?? '';
    const fixture = canonicalFromJson(readFileSync(join(ROOT, 'examples/curl/first-trace.json'), 'utf8'));
    const arrived = byId(await fake.waitForSpans(fixture.length));

    // The root starts first, and its id sorts first.
    const start = arrived[0]?.startTimeUnixNano ?? 0n;
    expect(Math.abs(Date.now() - Number(start / 1_000_000n))).toBeLessThan(60_000);
    const shift = start - (fixture[0]?.startTimeUnixNano ?? 0n);
    expect(arrived).toEqual(
      new Traces().leave(fixture).spans.map((span) => ({
        ...span,
        traceId,
        startTimeUnixNano: span.startTimeUnixNano + shift,
        endTimeUnixNano: span.endTimeUnixNano + shift,
      })),
    );
  });
});

test.each(['otel-js', 'langfuse-sdk', 'vercel-ai'])('examples/%s asks for what is tested here', (name) => {
  const dependencies = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8')).dependencies;
  expect(dependencies('test/clients/package.json')).toMatchObject(dependencies(`examples/${name}/package.json`));
});

const asItCame = (span: CanonicalSpan) => span;

/** Ids, parents, times, types and values of everything the program says it sent, as it must arrive. */
async function runAndCompare(
  client: Client,
  arrival: (sent: CanonicalSpan) => CanonicalSpan,
  to: { baseUrl: string; otelBase: string; authorization: string; publicKey: string; secretKey: string },
): Promise<void> {
  const sent = await runClient(client.program, {
    OTEL_EXPORTER_OTLP_ENDPOINT: to.otelBase,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${to.authorization}`,
    LANGFUSE_BASE_URL: to.baseUrl,
    LANGFUSE_PUBLIC_KEY: to.publicKey,
    LANGFUSE_SECRET_KEY: to.secretKey,
    ...client.env,
  });
  const arrived = await fake.waitForSpans(sent.length);

  expect(byId(arrived)).toEqual(byId(sent.map((span) => arrival(canonicalOfSent(span, client)))));
  expect(fake.violations).toEqual([]);
  const parentOf = (span: CanonicalSpan) => arrived.find(({ spanId }) => spanId === span.parentSpanId)?.name ?? '';
  expect(Object.fromEntries(arrived.map((span) => [span.name, parentOf(span)]))).toMatchObject(client.parents);
  const values = client.values.map(([name, key]) => {
    const span = arrived.find((one) => one.name === name);
    return [name, key, span?.attributes.find((attribute) => attribute.key === key)?.value];
  });
  expect(values).toEqual(client.values);
}

const byId = (spans: readonly CanonicalSpan[]) => spans.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1));
