import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually';

const ROOT = join(__dirname, '../..');
const MAIN = join(ROOT, 'dist/main.js');
const running = new Set<ChildProcess>();

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface BuiltGateway {
  /** Base URLs of the receiver and of the admin listener. */
  url: string;
  adminUrl: string;
  stdout(): string;
  stderr(): string;
  /** The lines on stdout. Throws when one of them is no JSON object. */
  logs(): Record<string, unknown>[];
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

/** Runs the built program with these variables and no others, to its end. */
export async function runBuilt(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return start([MAIN, ...args], env).ended;
}

/** Runs a script in the folder of the project, to its end. */
export async function runScript(script: string, env: Record<string, string> = {}): Promise<Ended> {
  return start(['-e', script], env).ended;
}

/** Starts the built program on free ports and resolves when it listens. */
export async function startBuilt(
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Promise<BuiltGateway> {
  const { child, output, ended } = start([MAIN, ...args], { PORT: '0', GATEWAY_ADMIN_PORT: '0', ...env });
  const logs = () => parseLines(output.stdout);
  let started: Record<string, unknown> | undefined;
  await eventually(() => {
    started = logs().find(({ receiverUrl }) => receiverUrl !== undefined);
    if (started === undefined) throw new Error(`it did not start: ${output.stdout}${output.stderr}`);
  }, 10_000);
  return {
    ...{ url: String(started?.receiverUrl), adminUrl: String(started?.adminUrl) },
    ...{ stdout: () => output.stdout, stderr: () => output.stderr, logs },
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Ends what a test has left running; for `afterEach`. */
export async function endAllBuilt(): Promise<void> {
  const left = [...running];
  for (const child of left) child.kill('SIGKILL');
  await Promise.all(left.map((child) => child.exitCode === null && child.signalCode === null && once(child, 'close')));
}

function start(args: readonly string[], env: Record<string, string>) {
  if (!existsSync(MAIN)) throw new Error('The program is not built: npm run build');
  const child = spawn(process.execPath, [...args], { cwd: ROOT, env: { PATH: process.env.PATH ?? '', ...env } });
  const output = { stdout: '', stderr: '' };
  running.add(child);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    running.delete(child);
    return { code, signal, ...output };
  });
  return { child, output, ended };
}

function parseLines(text: string): Record<string, unknown>[] {
  const lines = text.split('\n');
  // What comes after the last line break is not complete yet.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
}
