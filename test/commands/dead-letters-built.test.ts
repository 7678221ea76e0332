import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory } from '../../src/data-directory';
import { createDeadLetterDesk, deskListener } from '../../src/dead-letter-desk';
import { claimDirectory } from '../../src/owner';
import { letterOf, put, storeAt } from '../dead-letters/letters';
import { endAllBuilt, runBuilt } from '../support/built-gateway';
import { makeTemporary, removeTemporary } from '../support/temporary';

let folder: string;
let dataDir: string;
beforeEach(() => {
  folder = makeTemporary();
  dataDir = join(folder, 'data');
});
afterEach(async () => {
  await endAllBuilt();
  removeTemporary(folder);
});

/** With nothing else that could be read of a configuration. */
const run = (...words: string[]) => runBuilt(['dead-letters', ...words], { GATEWAY_DATA_DIR: dataDir, PORT: 'x' });

async function lettersLeft(count: number) {
  const store = storeAt(dataDirectory(dataDir).deadLetters);
  await store.open();
  const ids: string[] = [];
  for (let number = 0; number < count; number++) ids.push(await put(store));
  return { store, ids };
}

test('list, show, replay, drop', async () => {
  const { store, ids } = await lettersLeft(3);
  const listed = await run('list');
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(
    listed.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]),
  ).toEqual(ids);
  const json = await run('list', '--json');
  expect(json).toMatchObject({ code: 0, stderr: '' });
  const { letter, bytes } = letterOf();
  expect(JSON.parse(json.stdout)).toEqual(ids.map((id) => ({ id, ...letter, bytes: bytes.length })));
  const shown = await run('show', ids[0]!);
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(shown.stdout.slice(shown.stdout.indexOf('\n\n')))).toHaveProperty('resourceSpans.0.scopeSpans');
  expect(await run('replay', ids[0]!)).toMatchObject({
    ...{ code: 0, stderr: '', stdout: expect.stringContaining(`${ids[0]}  2 span(s) queued\n`) },
  });
  expect(await run('drop', ids[1]!)).toMatchObject({ code: 0, stderr: '', stdout: `${ids[1]}  dropped\n` });
  expect(await store.ids()).toEqual([ids[2]]);
  expect(await run('replay')).toMatchObject({ code: 0, stdout: expect.stringContaining(ids[2]!) });
  expect(await run('list')).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('beside the owner of the data directory, which is in another process', async () => {
  const { store, ids } = await lettersLeft(2);
  const asked: string[] = [];
  const replay = async (id: string) => {
    asked.push(id);
    return { id, spans: 7 };
  };
  const desk = createDeadLetterDesk({ store, replay, underWay: new Set() });
  const claim = await claimDirectory({
    ...{ directory: dataDir, handler: deskListener(desk), randomName: () => 'abcd' },
    about: { pid: process.pid, startedAt: new Date(0).toISOString(), version: '0' },
  });
  expect(await run('replay')).toMatchObject({
    ...{ code: 0, stderr: '', stdout: ids.map((id) => `${id}  7 span(s) queued\n`).join('') },
  });
  expect(await run('drop', ids[0]!)).toMatchObject({ code: 0, stdout: `${ids[0]}  dropped\n` });
  expect([asked, await store.ids()]).toEqual([ids, [ids[1]]]);
  await claim.release();
});

test('no data directory: nothing is listed, and none is made', async () => {
  expect(await run('list')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(await run('replay')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(readdirSync(folder)).toEqual([]);
});

test.each([[['show', '../x']], [['replay', '20261120T105533123Z-0000000f']], [['drop', '']]])(
  'unknown: %j',
  async (words) => {
    const { code, stdout, stderr } = await run(...words);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^.+: there is no such dead letter\n$/);
  },
);

test.each([
  [['dead-letters']],
  [['dead-letters', 'list', '--all']],
  [['dead-letters', 'show', 'a', '--json']],
  [['dead-letters', 'drop']],
  [['serve', '--json']],
  [['check', 'list']],
])('wrong usage: %j', async (args) => {
  const { code, stdout, stderr } = await runBuilt(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^langfuse-otlp-gateway: .+; see langfuse-otlp-gateway (dead-letters )?--help\n$/);
});

test.each([[['dead-letters', 'drop', '-h']], [['help', 'dead-letters']]])('help: %j', async (args) => {
  const { code, stdout, stderr } = await runBuilt(args);
  expect([code, stderr]).toEqual([0, '']);
  for (const word of ['list [--json]', 'show ID', 'replay [ID..]', 'drop ID..', 'GATEWAY_DATA_DIR']) {
    expect(stdout).toContain(word);
  }
});

test('a configuration file says where; one with mistakes is not believed', async () => {
  const { ids } = await lettersLeft(1);
  const file = join(folder, 'gateway.yaml');
  const env = { GATEWAY_DATA_DIR: '' };
  writeFileSync(file, `queue: { dataDir: ${JSON.stringify(dataDir)} }\n`);
  const listed = await runBuilt(['dead-letters', 'list', '--config', file], env);
  expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining(ids[0]!) });
  writeFileSync(file, 'unknown: 1\n');
  const refused = await runBuilt(['dead-letters', 'list', '--config', file], env);
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('gateway.yaml:1') });
});

test('whoever reads the first line and goes leaves no complaint', async () => {
  const directory = dataDirectory(dataDir).deadLetters;
  mkdirSync(directory, { recursive: true });
  // More lines than a pipe holds.
  for (let number = 10_000; number < 13_000; number++) {
    const id = `20261120T105533123Z-000${number}`;
    writeFileSync(join(directory, `${id}.json`), JSON.stringify({ id, ...letterOf().letter, bytes: 5 }));
  }
  const main = join(__dirname, '../../dist/main.js');
  const child = spawn(process.execPath, [main, 'dead-letters', 'list'], { env: { GATEWAY_DATA_DIR: dataDir } });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  expect([...(await once(child, 'close')), said]).toEqual([0, null, '']);
});
