import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type BuiltGateway, endAllBuilt, runBuilt, startBuilt } from '../support/built-gateway';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { langfuseVariables } from '../support/gateway';
import { startInterposer } from '../support/interposer';
import { post } from '../support/post';
import { queueFiles, segmentFiles } from '../support/queue-files';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { numberedSpans, postOf } from '../support/trace-request';

let fake: FakeLangfuse;
let isDown: boolean;
let env: Record<string, string>;
let dataDir: string;
beforeEach(async () => {
  isDown = true;
  dataDir = makeTemporary();
  fake = await startFakeLangfuse({ respond: () => (isDown ? { status: 503 } : undefined) });
  env = { ...langfuseVariables(fake), GATEWAY_DATA_DIR: dataDir };
});
afterEach(async () => {
  await endAllBuilt();
  await fake.close();
  removeTemporary(dataDir);
});

async function send({ url }: BuiltGateway, spans: Parameters<typeof postOf>[0]): Promise<void> {
  expect((await post(`${url}/v1/traces`, postOf(spans))).status).toBe(200);
}

async function kill(gateway: BuiltGateway): Promise<void> {
  gateway.kill('SIGKILL');
  expect(await gateway.ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
}

const namesArrived = () => [...new Set(fake.spans.map(({ name }) => name))].sort();
const namesOf = (spans: Parameters<typeof postOf>[0]) => spans.map(({ name }) => name).sort();

const queueIsEmpty = ({ metrics }: BuiltGateway) =>
  eventually(async () => expect((await metrics()).gateway_queue_spans).toBe(0), 15_000);

test('M01 killed right after a 200: the next start delivers it', async () => {
  const spans = numberedSpans(3);
  const killed = await startBuilt(env);
  await send(killed, spans);
  await kill(killed);
  expect(fake.spans).toEqual([]);
  isDown = false;
  const gateway = await startBuilt(env);
  await queueIsEmpty(gateway);
  expect(namesArrived()).toEqual(namesOf(spans));
  expect(await gateway.metrics()).toMatchObject({
    gateway_queue_recovered_spans_total: 3,
    gateway_receiver_accepted_spans_total: 0,
    'gateway_delivered_spans_total{destination="main"}': 3,
  });
});

test('M02 killed while its post is unanswered: delivered by the next start, with the same ids', async () => {
  isDown = false;
  const wire = await startInterposer(fake.baseUrl);
  wire.interference = { answerBytes: 0 };
  const spans = numberedSpans(3);
  const killed = await startBuilt({ ...env, LANGFUSE_BASE_URL: wire.baseUrl });
  await send(killed, spans);
  await fake.waitForSpans(3);
  await kill(killed);
  await wire.close();

  const gateway = await startBuilt(env);
  await queueIsEmpty(gateway);
  const [first, second] = [fake.spans.slice(0, 3), fake.spans.slice(-3)];
  expect(fake.spans.length).toBeGreaterThanOrEqual(6);
  expect(second).toEqual(first);
  expect(namesArrived()).toEqual(namesOf(spans));
});

/** Five requests of one span each, kept by a gateway that was killed. Answers the newest segment file. */
async function keepFive(): Promise<string> {
  const killed = await startBuilt(env);
  for (const span of FIVE) await send(killed, [span]);
  await kill(killed);
  isDown = false;
  const newest = segmentFiles(dataDir).at(-1);
  expect(newest).toBeDefined();
  return newest ?? '';
}

const FIVE = numberedSpans(5, { attributes: { padding: 'x'.repeat(200) } });
/** Log lines of a warning or worse that say how many bytes it is about. */
const losses = (gateway: BuiltGateway) =>
  gateway.logs().filter(({ level, bytes }) => Number(level) >= 40 && Number(bytes) > 0);

/** Writes over the name of the span (field 5) where it lies in the file. */
function damage(file: string, name: string): void {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(`\x2a\x02${name}`);
  expect(at).toBeGreaterThan(0);
  bytes.fill('!', at + 2, at + 4);
  writeFileSync(file, bytes);
}

test('M03 an entry that cannot be read at start costs no other, and what is left of it is kept', async () => {
  const newest = await keepFive();
  damage(newest, 's3');
  const gateway = await startBuilt(env);
  await queueIsEmpty(gateway);
  expect(namesArrived()).toEqual(['s1', 's2', 's4', 's5']);
  expect(losses(gateway)).toHaveLength(1);
  expect(await gateway.metrics()).toMatchObject({ gateway_queue_recovered_spans_total: 4 });
  // The segment itself goes a moment after its last entry is settled.
  await eventually(() => {
    const left = queueFiles(dataDir).filter((file) => readFileSync(file).includes('x'.repeat(200)));
    expect(left).toHaveLength(1);
  });
});

test('M03 a segment that cannot be read at start is left as it is, and delivered by the start that can read it', async () => {
  const newest = await keepFive();
  // A directory cannot be read as a file, whoever asks (EISDIR).
  renameSync(newest, `${newest}.away`);
  mkdirSync(newest);
  const unable = await runBuilt(['serve'], { ...env, PORT: '0', GATEWAY_ADMIN_PORT: '0' });
  expect(unable).toMatchObject({ code: 1, stderr: '' });
  expect(unable.stdout).toContain('EISDIR');
  expect(fake.spans).toEqual([]);

  rmdirSync(newest);
  renameSync(`${newest}.away`, newest);
  const gateway = await startBuilt(env);
  await queueIsEmpty(gateway);
  expect(namesArrived()).toEqual(namesOf(FIVE));
});

type Tear = [name: string, tear: (file: string) => void, arrived: string[]];
const TEARS: Tear[] = [
  ['the last entry was cut', (file) => truncateSync(file, statSync(file).size - 5), ['s1', 's2', 's3', 's4']],
  ['a few bytes of its head are left', (file) => truncateSync(file, startOfLast(file) + 5), ['s1', 's2', 's3', 's4']],
  [
    'the beginning of another entry',
    (file) => appendFileSync(file, beginningOfLast(file)),
    ['s1', 's2', 's3', 's4', 's5'],
  ],
  ['bytes of anything', (file) => appendFileSync(file, Buffer.alloc(3_000, 0xa5)), ['s1', 's2', 's3', 's4', 's5']],
  ['zeros', (file) => appendFileSync(file, Buffer.alloc(3_000)), ['s1', 's2', 's3', 's4', 's5']],
];

/** The five entries are of one size. */
const startOfLast = (file: string) => (statSync(file).size / FIVE.length) * (FIVE.length - 1);
const beginningOfLast = (file: string) => readFileSync(file).subarray(startOfLast(file)).subarray(0, 100);

test.each(TEARS)(
  'M04 a torn tail, %s: it is cut off and said, and every whole entry arrives',
  async (_, tear, arrived) => {
    tear(await keepFive());
    const gateway = await startBuilt(env);
    await queueIsEmpty(gateway);
    expect(namesArrived()).toEqual(arrived);
    expect(losses(gateway)).toHaveLength(1);
    await send(gateway, numberedSpans(1, { from: 9 }));
    await eventually(() => expect(namesArrived()).toEqual([...arrived, 's9']));
    expect(gateway.stderr()).toBe('');
  },
);
