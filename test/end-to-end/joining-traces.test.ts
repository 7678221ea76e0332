import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../support/client-programs';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';

const ROOT = join(__dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/joining-traces.md'), 'utf8');

const TRACE_ID = '3c1a5e0f7b924d6c8a90b1c2d3e4f506';
/** By span id: its parent. */
const TREE = {
  a1a1a1a1a1a1a1a1: '',
  b2b2b2b2b2b2b2b2: 'a1a1a1a1a1a1a1a1',
  c3c3c3c3c3c3c3c3: 'a1a1a1a1a1a1a1a1',
  d4d4d4d4d4d4d4d4: 'c3c3c3c3c3c3c3c3',
  e5e5e5e5e5e5e5e5: 'd4d4d4d4d4d4d4d4',
};

interface ShownSpan {
  spanId: string;
  parentSpanId: string | null;
}

let fake: FakeLangfuse;
let gateway: RunningGateway;
beforeEach(async () => {
  fake = await startFakeLangfuse();
});
afterEach(async () => {
  await gateway.stop();
  await fake.close();
});

test.each(['headers', 'query', 'body'])(
  'the command of docs/joining-traces.md joins two services by %s',
  async (way) => {
    gateway = await startGateway({ fake });
    await runCommand('caller');
    await runCommand(way);

    const spans = await fake.waitForSpans(5);
    expect(treeOf(spans)).toEqual(TREE);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
    expect(fake.violations).toEqual([]);
  },
);

test('without Langfuse keys its last command shows the tree', async () => {
  gateway = await startGateway();
  await runCommand('caller');
  await runCommand('headers');

  await eventually(async () => {
    const { observations } = JSON.parse(await runCommand('look')) as { observations: ShownSpan[] };
    expect(treeOf(observations)).toEqual(TREE);
  });
});

/** Runs the block that is marked so in the page as it stands there, ports aside. */
async function runCommand(mark: string): Promise<string> {
  const [, block] = new RegExp(`<!-- test:${mark} -->\n+\`\`\`sh\n([^]*?)\`\`\``).exec(PAGE) ?? [];
  if (block === undefined) throw new Error(`no command is marked ${mark}`);
  const script = block
    .replaceAll('http://127.0.0.1:4318', gateway.url)
    .replaceAll('http://127.0.0.1:4319', gateway.adminUrl);
  return run('sh', ['-euc', `cd '${ROOT}'\n${script}`], {});
}

const treeOf = (spans: readonly ShownSpan[]) =>
  Object.fromEntries(spans.map(({ spanId, parentSpanId }) => [spanId, parentSpanId ?? '']));
