import { balanceOf, watchBalance } from '../support/balance';
import { type BuiltGateway, endAllBuilt, startBuilt } from '../support/built-gateway';
import { eventually } from '../support/eventually';
import {
  type FakeLangfuse,
  type FakeLangfuseOptions,
  type ForcedAnswer,
  startFakeLangfuse,
} from '../support/fake-langfuse';
import { langfuseVariables } from '../support/gateway';
import { type Interposer, startInterposer } from '../support/interposer';
import { post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { numberedSpans, postOf } from '../support/trace-request';

/** A Langfuse that can be made ill, behind a wire that can be cut. */
interface Patient {
  fake: FakeLangfuse;
  options: FakeLangfuseOptions;
  wire: Interposer;
  /** The answer to every post; `undefined`: the one that it deserves. */
  forced: ForcedAnswer | undefined;
}

interface Fault {
  name: string;
  begin(patient: Patient): void | Promise<void>;
  mend(patient: Patient): void | Promise<void>;
  /** Seen in `gateway_delivery_attempts_total` while it lasts; `delivered`: the fault does no harm. */
  outcome: string;
}

const forced = (name: string, answer: ForcedAnswer, outcome: string): Fault => ({
  ...{ name, outcome },
  begin: (patient) => {
    patient.forced = answer;
  },
  mend: (patient) => {
    patient.forced = undefined;
  },
});

const onTheWire = (name: string, interference: Interposer['interference'], outcome: string): Fault => ({
  ...{ name, outcome },
  begin: ({ wire }) => {
    wire.interference = interference;
  },
  mend: ({ wire }) => {
    wire.interference = 'none';
  },
});

/** Of an answer of the fake the first line is 17 bytes, all of its headers about 200, the body 150. */
const FAULTS: Fault[] = [
  // Comes first, because it takes longest: half a minute passes before the gateway gives up.
  onTheWire('the request is taken and never answered', 'silence', 'timeout'),
  forced('503', { status: 503 }, 'http_503'),
  forced('500', { status: 500 }, 'http_500'),
  forced('500 although the spans were stored', { status: 500, store: true }, 'http_500'),
  forced('429 with Retry-After', { status: 429, headers: { 'Retry-After': '1' } }, 'http_429'),
  forced('the connection is closed instead of an answer', { destroy: true }, 'reset'),
  forced('the same although the spans were stored', { destroy: true, store: true }, 'reset'),
  onTheWire('the connection is reset', 'reset', 'reset'),
  onTheWire('half a status line, then a reset', { answerBytes: 7 }, 'reset'),
  onTheWire('half of the headers, then a reset', { answerBytes: 40 }, 'reset'),
  onTheWire('a whole 200 and half a body, then a reset', { answerBytes: 250 }, 'delivered'),
  onTheWire('an answer a byte at a time', { dripMs: 3 }, 'delivered'),
  {
    name: 'bodies above a size are too large',
    outcome: 'http_413',
    begin: ({ options }) => {
      options.bodyBytesMax = 1_000;
    },
    mend: ({ options }) => {
      delete options.bodyBytesMax;
    },
  },
  {
    name: 'its port refuses connections',
    outcome: 'refused',
    begin: ({ wire }) => wire.close(),
    mend: ({ wire }) => wire.open(),
  },
];

const REQUESTS = 30;
const SPANS_PER_REQUEST = 5;
const ALL = numberedSpans(REQUESTS * SPANS_PER_REQUEST, { from: 0, attributes: { padding: 'x'.repeat(100) } });

async function send({ url }: BuiltGateway): Promise<void> {
  for (let request = 0; request < REQUESTS; request++) {
    const spans = ALL.slice(request * SPANS_PER_REQUEST, (request + 1) * SPANS_PER_REQUEST);
    expect((await post(`${url}/v1/traces`, postOf(spans))).status).toBe(200);
  }
}

const queueIsEmpty = ({ metrics }: BuiltGateway) =>
  eventually(async () => expect((await metrics()).gateway_queue_spans).toBe(0), 60_000);

const attempts = (outcome: string) => `gateway_delivery_attempts_total{destination="main",outcome="${outcome}"}`;

/** Each span by its name once, however often it came. */
const distinct = ({ spans }: FakeLangfuse) => [...new Map(spans.map((span) => [span.spanId, span.name])).values()];

const closing: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  await endAllBuilt();
  for (const close of closing) await close();
});

test.concurrent.each(FAULTS)(
  '$name, then well again: nothing is lost and the numbers hold',
  async ({ begin, mend, outcome }) => {
    const options: FakeLangfuseOptions = { respond: () => patient.forced };
    const fake = await startFakeLangfuse(options);
    const wire = await startInterposer(fake.baseUrl);
    closing.push(wire.close, fake.close);
    const patient: Patient = { fake, options, wire, forced: undefined };
    const gateway = await startBuilt({ ...langfuseVariables(fake), LANGFUSE_BASE_URL: wire.baseUrl });
    const watch = watchBalance(gateway);
    await begin(patient);
    await send(gateway);
    await eventually(async () => expect((await gateway.metrics())[attempts(outcome)]).toBeGreaterThan(0), 45_000);
    await mend(patient);
    await queueIsEmpty(gateway);
    const balances = await watch.stop();

    expect(distinct(fake).sort()).toEqual(ALL.map(({ name }) => name).sort());
    expect(balances.filter(({ received, accountedFor }) => received !== accountedFor)).toEqual([]);
    const samples = await gateway.metrics();
    expect(balanceOf(samples)).toEqual({ received: ALL.length, accountedFor: ALL.length });
    expect(samples['gateway_delivered_spans_total{destination="main"}']).toBe(ALL.length);
    expect(fake.violations).toEqual([]);
    expect(gateway.stderr()).toBe('');

    gateway.kill('SIGTERM');
    expect(await gateway.ended).toMatchObject({ code: 0 });
  },
  120_000,
);

test('a host that has no address: kept, and delivered by the next start with the right URL', async () => {
  const fake = await startFakeLangfuse();
  const dataDir = makeTemporary();
  closing.push(fake.close, () => removeTemporary(dataDir));
  const env = { ...langfuseVariables(fake), GATEWAY_DATA_DIR: dataDir, GATEWAY_SHUTDOWN_TIMEOUT_S: '0' };
  const lost = await startBuilt({ ...env, LANGFUSE_BASE_URL: 'http://langfuse.invalid:3000' });
  await send(lost);
  await eventually(async () => expect((await lost.metrics())[attempts('dns')]).toBeGreaterThan(0), 15_000);
  lost.kill('SIGTERM');
  expect(await lost.ended).toMatchObject({ code: 0, stderr: '' });

  const found = await startBuilt(env);
  await queueIsEmpty(found);
  expect(distinct(fake).sort()).toEqual(ALL.map(({ name }) => name).sort());
  expect(await found.metrics()).toMatchObject({
    gateway_queue_recovered_spans_total: ALL.length,
    'gateway_delivered_spans_total{destination="main"}': ALL.length,
  });
}, 60_000);
