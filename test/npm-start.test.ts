import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './support/eventually';

const root = join(__dirname, '..');

let scratch: string;
let npm: ChildProcess;
let output = '';

/** `npm start` as it stands in package.json, but for the build, which other tests must not see happen. */
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'gateway-npm-'));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const scripts = { ...manifest.scripts, build: 'node --version' };
  writeFileSync(join(scratch, 'package.json'), JSON.stringify({ ...manifest, scripts }));
  symlinkSync(join(root, 'dist'), join(scratch, 'dist'));
  const env = { PATH: process.env.PATH, HOME: scratch, npm_config_update_notifier: 'false' };
  // A process group of its own, so that whatever is orphaned can be ended with it.
  npm = spawn('npm', ['start'], {
    cwd: scratch,
    env: { ...env, PORT: '0', GATEWAY_ADMIN_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  npm.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
});

afterEach(() => {
  try {
    process.kill(-(npm.pid as number), 'SIGKILL');
  } catch {
    // Nobody is left, as it should be.
  }
  rmSync(scratch, { recursive: true });
});

test('SIGTERM to npm start ends the gateway, and in order', async () => {
  await eventually(() => expect(output).toContain('receiving OTLP'), 15_000);
  // The pipe is closed when the last process that writes to it has ended: npm and the gateway.
  const closed = once(npm, 'close');
  npm.kill('SIGTERM');
  await closed;
  expect(output).toContain('stopped; nothing was left to deliver');
}, 30_000);
