import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CanonicalSpan } from '../support/canonical';
import { run } from '../support/client-programs';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';

const ROOT = join(__dirname, '../..');
const CLIENTS = join(ROOT, 'test/clients');
const EXAMPLE = join(ROOT, 'examples/distributed');
const INGEST_KEY = 'gw-distributed-1';
const ORIGINAL_TRACE_ID = 'langfuse.observation.metadata.otel.originalTraceId';

/** What a way came to, as examples/distributed/index.mjs prints it: node A, and the trace that B made its spans in. */
interface Outcome {
  traceId: string;
  spanId: string;
  b: { traceId: string };
}

let folder: string;
let fake: FakeLangfuse;
beforeAll(() => {
  if (!existsSync(join(CLIENTS, 'node_modules'))) {
    throw new Error('The test clients are not installed: npm run test:clients:install');
  }
  // Node finds the packages of test/clients from there; a folder of its own, for other tests copy the examples too.
  mkdirSync(join(CLIENTS, '.cache'), { recursive: true });
  folder = mkdtempSync(join(CLIENTS, '.cache/distributed-'));
  cpSync(EXAMPLE, folder, { recursive: true, filter: (source) => !source.includes('node_modules', EXAMPLE.length) });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  fake = await startFakeLangfuse();
});
afterEach(() => fake.close());

describe('straight to Langfuse, to see what the gateway is there for', () => {
  const runDirectly = async (way: string) => {
    const basic = encodeURIComponent(`Basic ${btoa(`${fake.publicKey}:${fake.secretKey}`)}`);
    return runExample(way, { endpoint: `${fake.baseUrl}/api/public/otel`, authorization: basic });
  };

  test('a service that knows traceparent joins its caller', async () => {
    const { traceId } = await runDirectly('traceparent');
    expect(placesOf(await fake.waitForSpans(3))).toEqual(oneTree(traceId));
  });

  test.each(['headers', 'uuid'])('one that does not makes a trace beside it: %s', async (way) => {
    const { traceId, b } = await runDirectly(way);
    expect(b.traceId).not.toBe(traceId);
    expect(placesOf(await fake.waitForSpans(3))).toEqual([
      { name: 'node A', traceId, parent: '' },
      { name: 'node A-1', traceId: b.traceId, parent: '' },
      { name: 'node A-1-1', traceId: b.traceId, parent: 'node A-1' },
    ]);
  });
});

describe('through the gateway, with its key', () => {
  let gateway: RunningGateway;
  beforeEach(async () => {
    gateway = await startGateway({ fake, env: { GATEWAY_INGEST_KEYS: INGEST_KEY } });
  });
  afterEach(() => gateway.stop());

  const runThrough = (way: string) =>
    runExample(way, { endpoint: gateway.url, authorization: `Bearer%20${INGEST_KEY}` });

  test('a service that knows traceparent joins its caller, and is left as it is', async () => {
    const { traceId, spanId } = await runThrough('traceparent');
    const spans = await fake.waitForSpans(3);

    expect(placesOf(spans)).toEqual(oneTree(traceId));
    expect(named(spans, 'node A').spanId).toBe(spanId);
    expect(originalTraceIds(spans)).toEqual([undefined, undefined, undefined]);
    expect(fake.violations).toEqual([]);
  });

  test.each(['headers', 'uuid'])('one that does not is joined by the headers of its export: %s', async (way) => {
    const { traceId, spanId, b } = await runThrough(way);
    const spans = await fake.waitForSpans(3);

    expect(placesOf(spans)).toEqual(oneTree(traceId));
    expect(named(spans, 'node A').spanId).toBe(spanId);
    expect(originalTraceIds(spans)).toEqual([undefined, { string: b.traceId }, { string: b.traceId }]);
    expect(fake.violations).toEqual([]);
    expect(await gateway.metrics()).toMatchObject({ 'gateway_trace_contexts_total{outcome="adopted"}': 1 });
  });
});

test('the example asks for what is tested here', () => {
  const dependencies = (path: string) => JSON.parse(readFileSync(path, 'utf8')).dependencies;
  expect(dependencies(join(CLIENTS, 'package.json'))).toMatchObject(dependencies(join(EXAMPLE, 'package.json')));
});

/** Runs the example in one way, against an OTLP base URL, to its end. */
async function runExample(way: string, to: { endpoint: string; authorization: string }): Promise<Outcome> {
  const printed = await run(process.execPath, [join(folder, 'index.mjs'), way], {
    OTEL_EXPORTER_OTLP_ENDPOINT: to.endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${to.authorization}`,
  });
  return JSON.parse(printed)[way];
}

const oneTree = (traceId: string) => [
  { name: 'node A', traceId, parent: '' },
  { name: 'node A-1', traceId, parent: 'node A' },
  { name: 'node A-1-1', traceId, parent: 'node A-1' },
];

/** By name: in which trace a span stands, and under which span of that trace; a parent that is not in it by its id. */
function placesOf(spans: readonly CanonicalSpan[]): { name: string; traceId: string; parent: string }[] {
  return byName(spans).map(({ name, traceId, parentSpanId }) => {
    const parent = spans.find((span) => span.traceId === traceId && span.spanId === parentSpanId);
    return { name, traceId, parent: parent?.name ?? parentSpanId };
  });
}

const originalTraceIds = (spans: readonly CanonicalSpan[]) =>
  byName(spans).map(({ attributes }) => attributes.find(({ key }) => key === ORIGINAL_TRACE_ID)?.value);

const named = (spans: readonly CanonicalSpan[], name: string) => spans.find((span) => span.name === name)!;

const byName = (spans: readonly CanonicalSpan[]) => spans.toSorted((a, b) => (a.name < b.name ? -1 : 1));
