import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { REPAIRS, type RepairName } from '../../src/admission/repairs';
import { type DeadLettersRequest, deadLetters, readDeadLettersRequest } from '../../src/commands/dead-letters';
import { dataDirectory } from '../../src/data-directory';
import { createDeadLetterDesk, deskListener } from '../../src/dead-letter-desk';
import { createKeeper } from '../../src/dead-letter-keeper';
import { type Claim, claimDirectory } from '../../src/owner';
import { createDiskQueue } from '../../src/queue/disk-queue';
import { realFiles } from '../../src/queue/files';
import { createMemoryQueue } from '../../src/queue/memory-queue';
import { createReplay } from '../../src/replay';
import { letterOf, NOW_MS, put, storeAt } from '../dead-letters/letters';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { encodeSpans, numberedSpans } from '../support/trace-request';

let folder: string;
let dataDir: string;
let claim: Claim | undefined;
beforeEach(() => {
  folder = makeTemporary();
  dataDir = join(folder, 'data');
});
afterEach(async () => {
  await claim?.release();
  claim = undefined;
  removeTemporary(folder);
});

const ABSENT = '20261120T105533123Z-0000000f';

const storeBeside = () => storeAt(dataDirectory(dataDir).deadLetters);

/** A store with so many letters, as a process that is gone has left it. */
async function lettersLeft(count: number) {
  const store = storeBeside();
  await store.open();
  const ids: string[] = [];
  for (let number = 1; number <= count; number++) ids.push(await put(store, numberedSpans(number)));
  return { store, ids };
}

async function run(request: DeadLettersRequest, { isTerminal = false } = {}) {
  const lines: string[] = [];
  let said = '';
  const out = (line: string) => lines.push(line);
  const err = (text: string) => {
    said += text;
  };
  const code = await deadLetters(request, { dataDir, out, err, isTerminal });
  return { code, lines, said };
}

/** This process as the gateway that owns the data directory. */
async function own(handler: RequestListener) {
  const about = { pid: process.pid, startedAt: new Date(NOW_MS).toISOString(), version: '0' };
  claim = await claimDirectory({ directory: dataDir, handler, about, randomName: () => 'abcd' });
}

async function ownAsGateway() {
  const store = storeBeside();
  await store.open();
  const queue = createMemoryQueue({ bytesMax: 1_000_000, now: () => NOW_MS });
  const asked: string[] = [];
  const underWay = new Set<string>();
  const replay = createReplay({
    ...{ store, queue, underWay, onReplayed: () => {} },
    isKnown: (destination) => destination === 'main',
    repairs: Object.fromEntries(REPAIRS.map((name) => [name, true])) as Record<RepairName, boolean>,
  });
  const desk = deskListener(createDeadLetterDesk({ store, underWay, replay }));
  await own((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    desk(request, response);
  });
  return { store, queue, asked };
}

/** What a gateway finds in its queue when it starts. */
async function queued(destination: string) {
  const queue = createDiskQueue({
    ...{ files: realFiles, directory: dataDirectory(dataDir).queue, bytesMax: 1_000_000, now: () => NOW_MS },
    randomMark: () => '0123456789abcdef',
  });
  await queue.open();
  const entries = [];
  for (let entry = await queue.take(destination); entry; entry = await queue.take(destination)) entries.push(entry);
  await queue.close();
  return entries.map(({ bytes, items }) => ({ bytes, items }));
}

describe('the words behind dead-letters', () => {
  test.each<[string[], boolean, DeadLettersRequest]>([
    [['list'], false, { action: 'list', json: false }],
    [['list'], true, { action: 'list', json: true }],
    [['show', 'a'], false, { action: 'show', id: 'a' }],
    [['replay'], false, { action: 'replay', ids: [] }],
    [['replay', 'a', 'b'], false, { action: 'replay', ids: ['a', 'b'] }],
    [['drop', 'a'], false, { action: 'drop', ids: ['a'] }],
  ])('%j (json %p)', (words, json, request) => {
    expect(readDeadLettersRequest(words, json)).toEqual(request);
  });

  test.each<[string[], boolean]>([
    [[], false],
    [[''], false],
    [['remove'], false],
    [['toString'], false],
    [['list', 'a'], false],
    [['show'], false],
    [['show', 'a', 'b'], false],
    [['drop'], false],
    [[], true],
    [['show', 'a'], true],
    [['replay'], true],
    [['drop', 'a'], true],
  ])('%j (json %p): wrong', (words, json) => {
    expect(readDeadLettersRequest(words, json)).toEqual(expect.any(String));
  });
});

describe('list', () => {
  test('a line each, the ID first, oldest first', async () => {
    const { store } = await lettersLeft(1);
    await put(store, numberedSpans(2), { destination: 'eu', status: null });
    const size = (spans: number) => encodeSpans(numberedSpans(spans)).length;
    const at = 'given up 2026-11-20T10:55:33.123Z';
    expect(await run({ action: 'list', json: false })).toEqual({
      code: 0,
      lines: [
        `20261120T105533123Z-00000001  main  refused (400)  3 attempt(s)  ${at}  1 span(s)  ${size(1)} bytes`,
        `20261120T105533124Z-00000002  eu  refused  3 attempt(s)  ${at}  2 span(s)  ${size(2)} bytes`,
      ],
      said: '',
    });
  });

  test.each([1, 3])('as JSON: %i', async (count) => {
    const { ids } = await lettersLeft(count);
    const { code, lines, said } = await run({ action: 'list', json: true });
    expect([code, said]).toEqual([0, '']);
    const expected = ids.map((id, index) => {
      const { letter, bytes } = letterOf(numberedSpans(index + 1));
      return { id, ...letter, bytes: bytes.length };
    });
    const listed = JSON.parse(lines.join('\n')) as object[];
    expect(listed).toEqual(expected);
    expect(listed.map(Object.keys)).toEqual(
      expected.map(() => ['id', 'destination', 'reason', 'status', 'attempts', 'firstAt', 'lastAt', 'bytes', 'spans']),
    );
  });

  test('none: nothing, and nothing is made', async () => {
    expect(await run({ action: 'list', json: false })).toEqual({ code: 0, lines: [], said: '' });
    expect(await run({ action: 'list', json: true })).toEqual({ code: 0, lines: ['[]'], said: '' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([true, false])('a damaged one is told, and the others listed (json %p)', async (json) => {
    const { ids } = await lettersLeft(3);
    writeFileSync(join(dataDirectory(dataDir).deadLetters, `${ids[1]}.json`), '{');
    const { code, lines, said } = await run({ action: 'list', json });
    expect([code, said]).toEqual([1, `dead letter ${ids[1]}: ${ids[1]}.json is no JSON\n`]);
    expect(lines).toEqual([expect.stringContaining(ids[0]!), expect.stringContaining(ids[2]!)]);
  });

  test('beside the owner, without asking it', async () => {
    const { asked, store } = await ownAsGateway();
    const id = await put(store);
    expect((await run({ action: 'list', json: false })).lines).toEqual([expect.stringContaining(id)]);
    expect((await run({ action: 'show', id })).code).toBe(0);
    expect(asked).toEqual([]);
  });

  test('a data directory that is no directory', async () => {
    writeFileSync(dataDir, '');
    expect(await run({ action: 'list', json: false })).toEqual({
      ...{
        code: 1,
        lines: [],
        said: expect.stringMatching(/^the data directory .+ cannot be used \(ENOTDIR\): it is not a directory.*\n$/),
      },
    });
  });
});

describe('show', () => {
  test('why, and the spans as OTLP JSON', async () => {
    const { store } = await lettersLeft(0);
    const spans = [{ name: 'a span', attributes: { 'gen_ai.prompt': 'Hello,\nworld' } }];
    const id = await put(store, spans);
    const { code, lines, said } = await run({ action: 'show', id });
    expect([code, said]).toEqual([0, '']);
    const empty = lines.indexOf('');
    expect(lines.slice(0, empty)).toEqual([
      `dead letter  ${id}`,
      'destination  main',
      'reason       refused',
      'status       400',
      'attempts     3',
      'came         2026-11-20T10:54:33.123Z',
      'given up     2026-11-20T10:55:33.123Z',
      'spans        1',
      `file         ${join(dataDir, 'dead-letters', id)}.otlp (OTLP protobuf, ${encodeSpans(spans).length} bytes)`,
    ]);
    const [request, ...more] = lines.slice(empty + 1);
    expect(more).toEqual([]);
    // To be read by people: a line for each value.
    expect(request?.split('\n')).toContain('              "name": "a span",');
    expect(JSON.parse(request ?? '')).toMatchObject({
      resourceSpans: [
        {
          scopeSpans: [
            {
              scope: { name: 'scope' },
              spans: [
                {
                  ...{
                    traceId: '5b8efff798038103d269b633813fc60c',
                    spanId: '0000000000000001',
                    name: 'a span',
                    kind: 1,
                  },
                  attributes: [{ key: 'gen_ai.prompt', value: { stringValue: 'Hello,\nworld' } }],
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test('what would be a command to the terminal is spelled out', async () => {
    const { store } = await lettersLeft(0);
    const text = '\u001b[31m\u009b31m\u007f\u0085é\u00a0';
    const id = await put(store, [{ name: text }]);
    const shown = (await run({ action: 'show', id })).lines.join('\n');
    expect(shown).toContain(String.raw`"\u001b[31m\u009b31m\u007f\u0085é`);
    expect(shown).not.toMatch(/[^\n -~é\u00a0]/);
    const request = JSON.parse(shown.slice(shown.indexOf('\n\n')));
    expect(request).toHaveProperty('resourceSpans.0.scopeSpans.0.spans.0.name', text);
  });

  test('10,000 spans of 1 KB, in parts', async () => {
    const { store } = await lettersLeft(0);
    const spans = numberedSpans(10_000, { attributes: { text: 'x'.repeat(1_000) } });
    const id = await put(store, spans);
    const { code, lines } = await run({ action: 'show', id });
    expect(code).toBe(0);
    type Request = { resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[] };
    const requests = lines.slice(lines.indexOf('') + 1).map((text) => JSON.parse(text) as Request);
    expect(requests.length).toBe(3);
    const shown = requests.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
    expect(shown.map(({ name }) => name)).toEqual(spans.map(({ name }) => name));
  });

  test('what is no OTLP request: why it was given up, and that', async () => {
    const { store } = await lettersLeft(0);
    const id = await store.write(letterOf().letter, [Buffer.from('hello')]);
    const { code, lines, said } = await run({ action: 'show', id });
    expect([code, lines.at(-1), said]).toEqual([
      1,
      '',
      expect.stringContaining(`${id}: ${id}.otlp is no OTLP request`),
    ]);
  });

  test('damaged', async () => {
    const { ids } = await lettersLeft(1);
    const [id] = ids as [string];
    writeFileSync(join(dataDirectory(dataDir).deadLetters, `${id}.otlp`), '');
    const { code, lines, said } = await run({ action: 'show', id });
    expect([code, lines, said]).toEqual([1, [], expect.stringContaining(`${id}.otlp has 0 bytes instead of`)]);
  });
});

describe('unknown IDs: told, exit code 1, and the others are done', () => {
  const BAD = ['', '.', '../x', '/etc/passwd', '-', '\u001b[31m', `${ABSENT}.json`, `${ABSENT}\n`];

  test.each([ABSENT, ...BAD])('%j', async (id) => {
    const message = `${id === ABSENT ? id : JSON.stringify(id)}: there is no such dead letter\n`;
    expect(await run({ action: 'show', id })).toEqual({ code: 1, lines: [], said: message });
    for (const action of ['replay', 'drop'] as const) {
      expect(await run({ action, ids: [id] })).toEqual({ code: 1, lines: [], said: message });
    }
    expect(existsSync(dataDir)).toBe(false);
  });

  test('among others', async () => {
    const { store, ids } = await lettersLeft(2);
    const { code, lines, said } = await run({ action: 'drop', ids: [ids[1]!, ABSENT, '../x', ids[1]!] });
    expect([code, lines]).toEqual([1, [`${ids[1]}  dropped`]]);
    expect(said.split('\n')).toEqual([expect.stringContaining(ABSENT), expect.stringContaining('"../x"'), '']);
    expect(await store.ids()).toEqual([ids[0]]);
  });
});

describe('without a gateway', () => {
  test('replay: into the queue, where the gateway finds it', async () => {
    const { store, ids } = await lettersLeft(3);
    const { code, lines, said } = await run({ action: 'replay', ids: [ids[2]!, ids[0]!] });
    expect([code, said]).toEqual([0, '']);
    expect(lines).toEqual([
      `${ids[2]}  3 span(s) queued`,
      `${ids[0]}  1 span(s) queued`,
      'no gateway owns the data directory: 4 span(s) are queued and leave when one starts that has their destination',
    ]);
    expect(await store.ids()).toEqual([ids[1]]);
    expect(await queued('main')).toEqual([
      { bytes: encodeSpans(numberedSpans(3)), items: 3 },
      { bytes: encodeSpans(numberedSpans(1)), items: 1 },
    ]);
  });

  test('replay of all, one of which has a problem', async () => {
    const { store, ids } = await lettersLeft(2);
    const bad = await store.write(letterOf().letter, [Buffer.from('hello')]);
    const eu = await put(store, numberedSpans(1), { destination: 'eu' });
    const { code, lines, said } = await run({ action: 'replay', ids: [] });
    expect([code, said]).toEqual([1, expect.stringMatching(`^${bad}: ${bad}.otlp is no OTLP request .*stays\n$`)]);
    expect(lines.map((line) => line.split('  ')[0])).toEqual([...ids, eu, expect.stringContaining('4 span(s)')]);
    expect(await store.ids()).toEqual([bad]);
    expect([(await queued('main')).length, (await queued('eu')).length]).toEqual([2, 1]);
  });

  test('replay adds to what is queued', async () => {
    const { ids } = await lettersLeft(2);
    await run({ action: 'replay', ids: [ids[0]!] });
    await run({ action: 'replay', ids: [ids[1]!] });
    expect((await queued('main')).map(({ items }) => items)).toEqual([1, 2]);
  });

  test('replay of all when there are none: nothing, and nothing is made', async () => {
    expect(await run({ action: 'replay', ids: [] })).toEqual({ code: 0, lines: [], said: '' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('drop: gone for good, and no queue is made', async () => {
    const { store, ids } = await lettersLeft(2);
    expect(await run({ action: 'drop', ids: ids })).toEqual({
      ...{ code: 0, lines: ids.map((id) => `${id}  dropped`), said: '' },
    });
    expect(await store.ids()).toEqual([]);
    expect(existsSync(dataDirectory(dataDir).queue)).toBe(false);
  });

  test('a damaged one can be dropped', async () => {
    const { store, ids } = await lettersLeft(1);
    writeFileSync(join(dataDirectory(dataDir).deadLetters, `${ids[0]}.json`), '{');
    expect((await run({ action: 'drop', ids })).code).toBe(0);
    expect(await store.ids()).toEqual([]);
  });

  test('the data directory is free again', async () => {
    const { ids } = await lettersLeft(1);
    await run({ action: 'replay', ids });
    await ownAsGateway();
  });
});

describe('beside the gateway that owns the data directory', () => {
  test('replay: the gateway does it, one request for each', async () => {
    const { store, queue, asked } = await ownAsGateway();
    const ids = [await put(store, numberedSpans(1)), await put(store, numberedSpans(2))];
    const eu = await put(store, numberedSpans(1), { destination: 'eu' });
    expect(await run({ action: 'replay', ids: [] })).toEqual({
      code: 1,
      lines: [`${ids[0]}  1 span(s) queued`, `${ids[1]}  2 span(s) queued`],
      said: `${eu}: destination eu is not configured; the letter stays\n`,
    });
    expect(asked).toEqual([...ids, eu].map((id) => `POST /dead-letters/${id}/replay`));
    expect(queue.stats().items).toBe(3);
    expect(existsSync(dataDirectory(dataDir).queue)).toBe(false);
  });

  test('drop: the gateway does it, whose count it is', async () => {
    const { store, asked } = await ownAsGateway();
    const id = await put(store);
    expect(await run({ action: 'drop', ids: [id] })).toEqual({ code: 0, lines: [`${id}  dropped`], said: '' });
    expect(asked).toEqual([`DELETE /dead-letters/${id}`]);
    expect(store.stats()).toEqual({ letters: 0, bytes: 0 });
  });

  test('an owner that is no such gateway: told, and nothing is done', async () => {
    const { store, ids } = await lettersLeft(1);
    await own((_request, response) => response.writeHead(501).end());
    expect(await run({ action: 'drop', ids })).toEqual({
      ...{ code: 1, lines: [], said: `${ids[0]}: the gateway answered 501\n` },
    });
    expect(await store.ids()).toEqual(ids);
  });

  test('it ends between two letters: the rest is done without it', async () => {
    const { store } = await ownAsGateway();
    const ids = [await put(store), await put(store)];
    const keeper = createKeeper(dataDir);
    expect(await keeper.replay(ids[0]!)).toEqual({ spans: 2, isWaiting: false });
    await claim?.release();
    expect(await keeper.replay(ids[1]!)).toEqual({ spans: 2, isWaiting: true });
    await keeper.close();
    expect([(await queued('main')).length, await store.ids()]).toEqual([1, []]);
  });

  test('another command instead of it: told, and nothing is done', async () => {
    const { store, ids } = await lettersLeft(2);
    const [first, second] = [createKeeper(dataDir), createKeeper(dataDir)];
    expect(await first.drop(ids[0]!)).toEqual({ isDropped: true });
    const atWork = { problem: 'another dead-letters command is at work; try again when it is done' };
    expect([await second.drop(ids[1]!), await second.replay(ids[1]!)]).toEqual([atWork, atWork]);
    await first.close();
    expect(await second.drop(ids[1]!)).toEqual({ isDropped: true });
    await second.close();
    expect(await store.ids()).toEqual([]);
  });
});

describe('progress, for somebody who watches', () => {
  test('of many: one line that is wiped before anything else is written', async () => {
    const { ids } = await lettersLeft(12);
    const { lines, said } = await run({ action: 'drop', ids }, { isTerminal: true });
    expect(lines).toEqual(ids.map((id) => `${id}  dropped`));
    expect(said).toBe(ids.map((_, index) => `\r\u001b[K${index} of 12\r\u001b[K`).join(''));
  });

  test.each([
    ['of few', 2, true],
    ['into a file', 12, false],
  ])('none %s', async (_, count, isTerminal) => {
    const { ids } = await lettersLeft(count);
    expect((await run({ action: 'drop', ids }, { isTerminal })).said).toBe('');
  });
});
