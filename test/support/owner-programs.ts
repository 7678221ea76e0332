import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformFileSync } from '@swc/core';
import { importsOf, resolveImport, sourcesBelow } from './sources';

const ROOT = join(__dirname, '../..');

/** What a claim came to, as its process tells it. */
export interface Told {
  pid: number;
  /** The message of what it failed of; absent when the directory is now its own. */
  refused?: string;
}

export interface OwnerProgram {
  pid: number;
  claim(directory: string): Promise<Told>;
  release(): Promise<void>;
  /** Claims in a worker of a cluster whose first process this one is, and blocks the worker. */
  claimInWorker(directory: string): Promise<Told>;
  /** Its event loop does nothing else from then on. */
  block(): Promise<void>;
  /** Claims, holds and releases again and again. Resolves to how often it held, and how often beside another. */
  contend(directory: string, times: number): Promise<{ held: number; beside: number }>;
  kill(): Promise<void>;
}

/** Every file is as open as the program itself lets it be. */
const PROGRAM = `
process.umask(0);
const cluster = require('node:cluster');
const { once } = require('node:events');
const { open, rm } = require('node:fs/promises');
const { claimDirectory } = require('./src/owner.js');
const { pid } = process;
let names = 0;
const about = { pid, startedAt: '2026-01-02T03:04:05.678Z', version: '1.2.3' };
const randomName = () => (pid * 65536 + names++).toString(16);
const handler = (request, response) => response.end(JSON.stringify({ pid, path: request.url }));
const claim = (directory) => claimDirectory({ directory, handler, about, randomName });
let held;
const orders = {
  async claim(directory) {
    try {
      held = await claim(directory);
      return { pid };
    } catch (error) {
      return { pid, refused: error.message };
    }
  },
  release: () => held.release(),
  async claimInWorker(directory) {
    const worker = cluster.fork();
    const ask = async (order, ...given) => {
      worker.send({ order, given });
      return (await once(worker, 'message'))[0].answer;
    };
    await once(worker, 'message');
    const told = await ask('claim', directory);
    await ask('block');
    return told;
  },
  async contend(directory, times) {
    const counts = { held: 0, beside: 0 };
    for (let time = 0; time < times; time++) {
      const one = await claim(directory).catch((error) => {
        if (error.name !== 'DirectoryHeldError') throw error;
      });
      if (one === undefined) continue;
      counts.held++;
      const mark = await open(directory + '/mark', 'wx').catch(() => undefined);
      if (mark === undefined) counts.beside++;
      await mark?.close();
      await rm(directory + '/mark', { force: true });
      await one.release();
    }
    return counts;
  },
  async block() {
    setImmediate(() => { for (;;); });
  },
};
process.on('message', async ({ order, given }) => {
  try {
    process.send({ answer: await orders[order](...given) });
  } catch (error) {
    process.send({ failure: error.message });
  }
});
process.on('disconnect', () => process.exit());
process.send({ answer: 'ready' });
`;

/** Writes a program into the folder that claims directories when it is told to; returns its path. */
export function buildOwnerProgram(folder: string): string {
  const sources = new Map(sourcesBelow('src').map((source) => [source.path, source]));
  const needed = new Set(['src/owner.ts']);
  for (const path of needed) {
    const source = sources.get(path);
    if (source === undefined) throw new Error(`there is no ${path}`);
    for (const one of importsOf(source)) if (one.from.startsWith('.')) needed.add(resolveImport(source, one));
    const target = join(folder, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    const { code } = transformFileSync(join(ROOT, path), {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'commonjs' },
    });
    writeFileSync(target, code);
  }
  const program = join(folder, 'program.js');
  writeFileSync(program, PROGRAM);
  return program;
}

/** @param temporary where the program makes temporary files. */
export async function startOwnerProgram(program: string, { temporary }: { temporary: string }): Promise<OwnerProgram> {
  const env = { PATH: process.env.PATH ?? '', TMPDIR: temporary };
  const child: ChildProcess = fork(program, { env, execArgv: [] });
  const answer = async () => {
    const [{ answer: told, failure }] = (await once(child, 'message')) as [{ answer?: unknown; failure?: string }];
    if (failure !== undefined) throw new Error(failure);
    return told;
  };
  await answer();
  const ask = async (order: string, ...given: unknown[]) => {
    const answered = answer();
    child.send({ order, given });
    return answered;
  };
  return {
    pid: child.pid ?? 0,
    claim: async (directory) => (await ask('claim', directory)) as Told,
    release: async () => void (await ask('release')),
    claimInWorker: async (directory) => (await ask('claimInWorker', directory)) as Told,
    block: async () => void (await ask('block')),
    contend: async (directory, times) => (await ask('contend', directory, times)) as { held: number; beside: number },
    async kill() {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await ended;
    },
  };
}
