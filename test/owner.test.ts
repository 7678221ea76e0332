import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Claim, claimDirectory, DirectoryHeldError } from '../src/owner';
import { askOwner, explained, type OwnerInfo } from '../src/owner-client';
import { eventually } from './support/eventually';
import { buildOwnerProgram, type OwnerProgram, startOwnerProgram } from './support/owner-programs';
import { makeTemporary, removeTemporary } from './support/temporary';

const ABOUT: OwnerInfo = { pid: process.pid, startedAt: '2026-01-02T03:04:05.678Z', version: '1.2.3' };
const HELD_HERE = `the data directory is held by another gateway (pid ${process.pid}, since ${ABOUT.startedAt}); end it, or set GATEWAY_DATA_DIR to another one`;
const echo: RequestListener = async (request, response) => {
  const { method, url, headers } = request;
  response.statusCode = 418;
  response.end(JSON.stringify({ method, url, type: headers['content-type'], body: await text(request) }));
};

let built: string;
let program: string;
let folder: string;
/** Where the programs make temporary files. */
let temporary: string;
let directory: string;
const programs: OwnerProgram[] = [];
const claims: Claim[] = [];
let names = 0;

beforeAll(() => {
  built = makeTemporary();
  program = buildOwnerProgram(built);
});
afterAll(() => removeTemporary(built));
beforeEach(() => {
  folder = makeTemporary();
  directory = join(folder, 'data');
  temporary = join(folder, 'temporary');
  mkdirSync(temporary);
});
afterEach(async () => {
  await Promise.all(programs.splice(0).map((one) => one.kill()));
  await Promise.all(claims.splice(0).map((one) => one.release()));
  removeTemporary(folder);
});

async function start(): Promise<OwnerProgram> {
  const started = await startOwnerProgram(program, { temporary });
  programs.push(started);
  return started;
}

/** Claims in this process. */
async function claim(given: Partial<Parameters<typeof claimDirectory>[0]> = {}): Promise<Claim> {
  const randomName = () => `${names++}`;
  const claimed = await claimDirectory({ directory, handler: echo, about: ABOUT, randomName, ...given });
  claims.push(claimed);
  return claimed;
}

const ask = (given: Partial<Parameters<typeof askOwner>[0]> = {}) =>
  askOwner({ directory, method: 'GET', path: '/', timeoutMs: 10_000, ...given });

/** As kill -9 leaves it: a folder with the socket of a process that is gone. */
async function leaveDead(name: string): Promise<void> {
  const made = join(folder, 'dead');
  mkdirSync(made, { recursive: true });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(made, 'door.sock'), resolve));
  writeFileSync(join(made, 'owner.json'), JSON.stringify({ ...ABOUT, pid: 999_999 }));
  mkdirSync(directory, { recursive: true });
  // Under its new name Node does not find the socket to remove it.
  renameSync(made, join(directory, name));
  await new Promise((resolve) => server.close(resolve));
}

/** Moves the folder of a living owner of another directory to where `name` says. */
async function prepareLiving(): Promise<(name: string) => void> {
  const elsewhere = join(folder, 'elsewhere');
  await claim({ directory: elsewhere });
  return (name) => renameSync(join(elsewhere, 'owner-1'), join(directory, name));
}

/** How many unix sockets this process has open, those it listens on among them. */
const openSockets = () => process.getActiveResourcesInfo().filter((kind) => kind === 'PipeWrap').length;

const modeOf = (...path: string[]) => (statSync(join(directory, ...path)).mode & 0o777).toString(8);

describe('one owner at a time', () => {
  test('a second one is refused and told whom it meets', async () => {
    const first = await start();
    expect(await first.claim(directory)).toEqual({ pid: first.pid });
    const second = await start();
    const refused = `the data directory is held by another gateway (pid ${first.pid}, since 2026-01-02T03:04:05.678Z); end it, or set GATEWAY_DATA_DIR to another one`;
    expect(await second.claim(directory)).toEqual({ pid: second.pid, refused });
    const error = await claim().catch((failure) => failure);
    expect(error).toBeInstanceOf(DirectoryHeldError);
    expect(error.holder).toEqual({ ...ABOUT, pid: first.pid });
  });

  test('what was killed is followed', async () => {
    const first = await start();
    await first.claim(directory);
    await first.kill();
    expect(readdirSync(join(directory, 'owner-1')).sort()).toEqual(['door.sock', 'owner.json']);
    const second = await start();
    expect(await second.claim(directory)).toEqual({ pid: second.pid });
    expect(readdirSync(directory)).toEqual(['owner-2']);
    await expect(claim()).rejects.toMatchObject({ holder: { pid: second.pid } });
  });

  test('an owner that is busy is still the owner', async () => {
    const busy = await start();
    await busy.claim(directory);
    await busy.block();
    await expect(claim()).rejects.toMatchObject({ holder: { pid: busy.pid } });
    await busy.kill();
    await claim();
  });

  test('an owner that was stopped is still the owner', async () => {
    const stopped = await start();
    await stopped.claim(directory);
    process.kill(stopped.pid, 'SIGSTOP');
    await expect(claim()).rejects.toMatchObject({ holder: { pid: stopped.pid } });
  });

  test('a worker of a cluster is the owner itself, not the first process', async () => {
    const first = await start();
    const { pid } = await first.claimInWorker(directory);
    try {
      await first.kill();
      await expect(claim()).rejects.toMatchObject({ holder: { pid } });
    } finally {
      process.kill(pid, 'SIGKILL');
    }
    await eventually(async () => void (await claim()));
  });

  test('one that has released it is followed, by itself too', async () => {
    for (const number of [1, 2, 3]) {
      const owner = await claim();
      await expect(claim()).rejects.toThrow(HELD_HERE);
      await owner.release();
      // Its number is never had again.
      expect(readdirSync(directory)).toEqual([`owner-${number}`]);
      expect(readdirSync(join(directory, `owner-${number}`))).toEqual(['owner.json']);
    }
  });

  test('releasing twice does nothing more', async () => {
    const first = await claim();
    await first.release();
    await claim();
    await first.release();
    await expect(claim()).rejects.toThrow(HELD_HERE);
  });
});

describe('many at once', () => {
  const PROCESSES = 8;
  const ROUNDS = 10;

  async function race(prepare: (round: number) => Promise<void>): Promise<void> {
    const racing = await Promise.all(Array.from({ length: PROCESSES }, start));
    for (let round = 0; round < ROUNDS; round++) {
      directory = join(folder, `data-${round}`);
      await prepare(round);
      const told = await Promise.all(racing.map((one) => one.claim(directory)));
      const winners = told.filter(({ refused }) => refused === undefined).map(({ pid }) => pid);
      expect(winners).toEqual([expect.any(Number)]);
      const others = told.flatMap(({ refused }) => refused ?? []);
      expect(others).toEqual(others.map(() => expect.stringContaining(`(pid ${winners[0]}, `)));
      expect((await ask())?.json).toMatchObject({ pid: winners[0] });
    }
  }

  test('one gets a directory that is new', () => race(async () => undefined), 60_000);

  test('one gets a directory whose owner is dead', () => race((round) => leaveDead(`owner-${round + 1}`)), 60_000);

  test('never two hold it while it goes from hand to hand', async () => {
    const contending = await Promise.all(Array.from({ length: 4 }, start));
    const counts = await Promise.all(contending.map((one) => one.contend(directory, 40)));
    expect(counts.map(({ beside }) => beside)).toEqual([0, 0, 0, 0]);
    const held = counts.reduce((sum, one) => sum + one.held, 0);
    expect(readdirSync(directory)).toContain(`owner-${held}`);
  }, 60_000);

  test('whoever saw the dead one long ago does not get the number that another has by now', async () => {
    await leaveDead('owner-3');
    const comes = await prepareLiving();
    const sneak = [() => comes('owner-4')];
    const randomName = () => {
      sneak.pop()?.();
      return `${names++}`;
    };
    const before = openSockets();
    await expect(claim({ randomName })).rejects.toThrow(HELD_HERE);
    expect(sneak).toEqual([]);
    await eventually(() => expect(openSockets()).toBe(before));
    expect(readdirSync(directory).sort()).toEqual(['owner-3', 'owner-4']);
  });

  test('whoever did not see the living one steps back from a number before it', async () => {
    mkdirSync(directory);
    const comes = await prepareLiving();
    const sneak = [() => comes('owner-4')];
    const randomName = () => {
      sneak.pop()?.();
      return `${names++}`;
    };
    const before = openSockets();
    await expect(claim({ randomName })).rejects.toThrow(HELD_HERE);
    expect(sneak).toEqual([]);
    await eventually(() => expect(openSockets()).toBe(before));
    expect(await ask()).toMatchObject({ owner: ABOUT });
  });

  test('whoever is cleaned away before it listens begins again', async () => {
    const seen: string[][] = [];
    const randomName = () => {
      const there = readdirSync(directory);
      seen.push(there);
      // Once, as soon as there is something.
      if (there.length > 0 && seen.filter(({ length }) => length > 0).length === 1)
        rmSync(join(directory, there[0] as string), { recursive: true });
      return `${names++}`;
    };
    await claim({ randomName });
    expect(seen).toEqual([[], [expect.stringMatching(/^owner-new-/)], [], [expect.stringMatching(/^owner-new-/)]]);
    expect(readdirSync(directory)).toEqual(['owner-1']);
  });
});

describe('what others have left', () => {
  const records: [what: string, spoil: (record: string) => void][] = [
    ['is no JSON', (record) => writeFileSync(record, '\u0000\u0001{')],
    ['is JSON of something else', (record) => writeFileSync(record, '{"pid":"1","pipe":7}')],
    ['is null', (record) => writeFileSync(record, 'null')],
    ['is empty', (record) => truncateSync(record, 0)],
    ['is cut off', (record) => truncateSync(record, 10)],
    ['is gone', (record) => rmSync(record)],
  ];

  test.each(records)('a dead owner is followed when its record %s', async (_, spoil) => {
    await leaveDead('owner-1');
    spoil(join(directory, 'owner-1', 'owner.json'));
    expect(await ask()).toBeUndefined();
    await claim();
    expect(await ask()).toMatchObject({ owner: ABOUT });
  });

  test.each(records)('a living owner is not, and answers, when its record %s', async (_, spoil) => {
    await claim();
    spoil(join(directory, 'owner-1', 'owner.json'));
    await expect(claim()).rejects.toThrow(
      'the data directory is held by another gateway; end it, or set GATEWAY_DATA_DIR to another one',
    );
    expect(await ask()).toMatchObject({ owner: undefined, status: 418 });
  });

  test('a folder without anything is followed', async () => {
    mkdirSync(join(directory, 'owner-7'), { recursive: true });
    await claim();
    expect(readdirSync(directory)).toEqual(['owner-8']);
  });

  test('a file in the place of the folder is followed', async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'owner-7'), '');
    await claim();
    expect(await ask()).toMatchObject({ owner: ABOUT });
    expect(readdirSync(directory)).toEqual(['owner-8']);
  });

  test('a file in the place of the socket is nobody', async () => {
    await leaveDead('owner-1');
    rmSync(join(directory, 'owner-1', 'door.sock'));
    writeFileSync(join(directory, 'owner-1', 'door.sock'), '');
    await claim();
  });

  test('is removed, except where somebody listens, and what is not an owner’s', async () => {
    for (const name of ['owner-1', 'owner-9', 'owner-10', 'owner-new-aa']) await leaveDead(name);
    const comes = await prepareLiving();
    comes('owner-new-bb');
    for (const name of ['queue', 'owner-', 'owner-1x', 'my-owner-1']) mkdirSync(join(directory, name));
    await claim();
    expect(readdirSync(directory).sort()).toEqual(
      ['my-owner-1', 'owner-', 'owner-11', 'owner-1x', 'owner-new-bb', 'queue'].sort(),
    );
  });
});

describe('places', () => {
  test('the directory and what is in it are for one user alone', async () => {
    const owner = await start();
    await owner.claim(directory);
    expect([modeOf(), modeOf('owner-1')]).toEqual(['700', '700']);
    expect([modeOf('owner-1', 'owner.json'), modeOf('owner-1', 'door.sock')]).toEqual(['600', '600']);
  });

  test('a directory that is there already keeps its mode, and its owner’s folder is closed all the same', async () => {
    mkdirSync(directory);
    chmodSync(directory, 0o775);
    await claim();
    expect([modeOf(), modeOf('owner-1')]).toEqual(['775', '700']);
  });

  test('a path may be longer than the address of a socket', async () => {
    const short = join(folder, 'short');
    directory = join(directory, 'd'.repeat(100), 'e'.repeat(100));
    mkdirSync(directory, { recursive: true });
    symlinkSync(directory, short);
    const owner = await start();
    expect(await owner.claim(directory)).toEqual({ pid: owner.pid });
    const other = await start();
    const refused = expect.stringContaining(`(pid ${owner.pid}, `);
    expect(await other.claim(directory)).toEqual({ pid: other.pid, refused });
    expect(await other.claim(short)).toEqual({ pid: other.pid, refused });
    expect(await ask({ path: '/x' })).toMatchObject({ json: { pid: owner.pid, path: '/x' } });
    expect(await ask({ directory: short, path: '/x' })).toMatchObject({ json: { pid: owner.pid, path: '/x' } });
    await owner.release();
    expect(await other.claim(directory)).toEqual({ pid: other.pid });
    await other.kill();
    expect(await owner.claim(short)).toEqual({ pid: owner.pid });
    expect(readdirSync(directory)).toEqual(['owner-3']);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test.each([
    ['is as long', 't'.repeat(100)],
    ['is not there', join('not', 'there')],
  ])('a path that is too long, and the folder for temporary files %s: an operator is told so', async (_, name) => {
    mkdirSync(join(temporary, 't'.repeat(100)));
    temporary = join(temporary, name);
    directory = join(directory, 'd'.repeat(100));
    const owner = await start();
    const { refused } = await owner.claim(directory);
    expect(refused).toBe(
      `the data directory ${directory} cannot be used (ENAMETOOLONG): its path is too long: set GATEWAY_DATA_DIR to a shorter one`,
    );
    expect(readdirSync(directory)).toEqual([]);
    expect(readdirSync(join(folder, 'temporary', 't'.repeat(100)))).toEqual([]);
  });

  test.each([
    ['EEXIST', ''],
    ['ENOTDIR', 'below'],
  ])('a file in the place of the directory: %s, and what to do', async (code, below) => {
    writeFileSync(directory, '');
    const path = join(directory, below);
    const error = await claim({ directory: path }).catch((failure) => failure);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain('it is not a directory: set GATEWAY_DATA_DIR to one');
    expect(error.message).toContain(`the data directory ${path} cannot be used (${code})`);
  });

  test.each([
    ['EACCES', 'run as that user'],
    ['EROFS', 'its file system is read-only'],
    ['ENOTSUP', 'file systems cannot hold sockets'],
    ['ENOSPC', 'free some space'],
  ])('%s is explained', (code, hint) => {
    const explainedError = explained(Object.assign(new Error('from the system'), { code }), './data') as Error;
    expect(explainedError.message).toContain(`the data directory ${resolve('data')} cannot be used (`);
    expect(explainedError.message).toContain(code);
    expect(explainedError.message).toContain(hint);
  });

  test('an error that is not the system’s stays as it is', async () => {
    const wrong = new TypeError('of the program');
    const randomName = () => {
      throw wrong;
    };
    await expect(claim({ randomName })).rejects.toBe(wrong);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('asking the owner', () => {
  test('it gets method, path and body, and its answer comes back', async () => {
    await claim();
    expect(await ask({ method: 'POST', path: '/replay?all=1', body: { ids: ['ä', '2'] } })).toEqual({
      owner: ABOUT,
      status: 418,
      json: { method: 'POST', url: '/replay?all=1', type: 'application/json', body: '{"ids":["ä","2"]}' },
    });
    expect(await ask({ path: '/list' })).toMatchObject({ json: { method: 'GET', url: '/list', body: '' } });
  });

  test('nobody: no directory, none that was owned, a dead owner, one that has released it', async () => {
    expect(await ask()).toBeUndefined();
    mkdirSync(directory);
    expect(await ask()).toBeUndefined();
    await leaveDead('owner-1');
    expect(await ask()).toBeUndefined();
    await (await claim()).release();
    expect(await ask()).toBeUndefined();
  });

  test('what it tells of itself can change', async () => {
    const { publish } = await claim();
    await Promise.all([publish({ ...ABOUT, adminUrl: 'http://127.0.0.1:1' }), publish({ ...ABOUT, version: '9' })]);
    const about = { ...ABOUT, adminUrl: 'http://127.0.0.1:4319' };
    await publish(about);
    expect(await ask()).toMatchObject({ owner: about });
    await expect(claim()).rejects.toThrow(
      `(pid ${process.pid}, since ${ABOUT.startedAt}, admin at http://127.0.0.1:4319); end it`,
    );
    const record = join(directory, 'owner-1', 'owner.json');
    expect(JSON.parse(readFileSync(record, 'utf8'))).toEqual(about);
    expect(readdirSync(join(directory, 'owner-1')).sort()).toEqual(['door.sock', 'owner.json']);
    expect(modeOf('owner-1', 'owner.json')).toBe('600');
  });

  test('an answer without a body', async () => {
    await claim({ handler: (_, response) => response.writeHead(204).end() });
    expect(await ask()).toEqual({ owner: ABOUT, status: 204, json: undefined });
  });

  test('no answer in time', async () => {
    await claim({ handler: () => undefined });
    await expect(ask({ timeoutMs: 200 })).rejects.toThrow(
      `the gateway that holds the data directory (pid ${process.pid}) did not answer within 0.2 s`,
    );
  });

  test('half an answer in time', async () => {
    await claim({ handler: (_, response) => void response.write('{') });
    await expect(ask({ timeoutMs: 200 })).rejects.toThrow('did not answer within 0.2 s');
  });

  test.each<[string, RequestListener]>([
    ['is no JSON', (_, response) => response.end('<html>')],
    ['breaks off', (_, response) => response.write('{', () => response.destroy())],
    ['does not come', (_, response) => response.destroy()],
  ])('an answer that %s', async (_, handler) => {
    await claim({ handler });
    await expect(ask()).rejects.toThrow(
      `the gateway that holds the data directory (pid ${process.pid}) did not answer as it should: `,
    );
  });

  test('a question that is under way does not keep it from being released', async () => {
    let released: Promise<void> | undefined;
    const owner = await claim({
      handler: () => {
        released = owner.release();
      },
    });
    await expect(ask()).rejects.toThrow('did not answer as it should');
    await released;
    await claim();
  });
});
