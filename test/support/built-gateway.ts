import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually';
import { scrape } from './scrape';
import { makeTemporary, removeTemporary } from './temporary';

const ROOT = join(__dirname, '../..');
const MAIN = join(ROOT, 'dist/main.js');
const running = new Map<ChildProcess, Promise<Ended>>();

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface StartingGateway {
  /** Of the program, or of the command that it runs under. */
  pid: number;
  stdout(): string;
  stderr(): string;
  /** The lines on stdout. Throws when one of them is no JSON object. */
  logs(): Record<string, unknown>[];
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

export interface BuiltGateway extends StartingGateway {
  /** Base URLs of the receiver and of the admin listener. */
  url: string;
  adminUrl: string;
  /** Samples by name and labels as they stand in the text, for example `gateway_queue_spans`. */
  metrics(): Promise<Record<string, number>>;
}

/**
 * Runs the built program with these variables and no others, to its end. Here and below: without GATEWAY_DATA_DIR it has
 * a data directory of its own, removed when it has ended.
 */
export async function runBuilt(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return start([process.execPath, MAIN, ...args], env).ended;
}

/** Runs a script in the folder of the project, to its end. */
export async function runScript(script: string, env: Record<string, string> = {}): Promise<Ended> {
  return start([process.execPath, '-e', script], env).ended;
}

/** Starts the built program on free ports and resolves when it listens. */
export async function startBuilt(
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Promise<BuiltGateway> {
  return listening(spawnBuilt(env, { args }));
}

/**
 * The same without waiting for anything.
 *
 * @param options.under a command with its arguments that runs the program, whose command line is appended.
 */
export function spawnBuilt(
  env: Record<string, string> = {},
  options: { args?: readonly string[]; under?: readonly string[] } = {},
): StartingGateway {
  const { args = [], under = [] } = options;
  const command = [...under, process.execPath, MAIN, ...args];
  const { child, output, ended } = start(command, { PORT: '0', GATEWAY_ADMIN_PORT: '0', ...env });
  return {
    ...{ pid: child.pid ?? 0, stdout: () => output.stdout, stderr: () => output.stderr },
    ...{ logs: () => parseLines(output.stdout), kill: (signal) => void child.kill(signal), ended },
  };
}

/** Resolves when it listens. */
export async function listening(starting: StartingGateway): Promise<BuiltGateway> {
  let started: Record<string, unknown> | undefined;
  await eventually(() => {
    started = starting.logs().find(({ receiverUrl }) => receiverUrl !== undefined);
    if (started === undefined) throw new Error(`it did not start: ${starting.stdout()}${starting.stderr()}`);
  }, 10_000);
  const adminUrl = String(started?.adminUrl);
  return { ...starting, url: String(started?.receiverUrl), adminUrl, metrics: () => scrape(adminUrl) };
}

/** Ends what a test has left running; for `afterEach`. */
export async function endAllBuilt(): Promise<void> {
  for (const child of running.keys()) child.kill('SIGKILL');
  await Promise.all(running.values());
}

function start([command = '', ...args]: readonly string[], env: Record<string, string>) {
  if (!existsSync(MAIN)) throw new Error('The program is not built: npm run build');
  const folder = makeTemporary();
  const defaults = { PATH: process.env.PATH ?? '', GATEWAY_DATA_DIR: folder };
  const child = spawn(command, args, { cwd: ROOT, env: { ...defaults, ...env } });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    running.delete(child);
    removeTemporary(folder);
    return { code, signal, ...output };
  });
  running.set(child, ended);
  return { child, output, ended };
}

function parseLines(text: string): Record<string, unknown>[] {
  const lines = text.split('\n');
  // What comes after the last line break is not complete yet.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
}
