import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endAllBuilt, runBuilt, startBuilt } from './support/built-gateway';
import { post } from './support/post';
import { numberedSpans, postOf } from './support/trace-request';

const { version } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')) as { version: string };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-main-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(endAllBuilt);

describe('questions about the program: stdout, exit code 0', () => {
  test.each([[['--version']], [['serve', '--version']], [['check', '--version']], [['--version', '--help']]])(
    '%p',
    async (args) => {
      expect(await runBuilt(args)).toEqual({ code: 0, signal: null, stdout: `${version}\n`, stderr: '' });
    },
  );

  test.each([
    [['--help'], ['serve', 'check', '--config', '--version']],
    [
      ['serve', '--help'],
      ['SIGTERM', '/v1/traces'],
    ],
    [['--help', 'check'], ['mistake']],
    [['-h'], ['serve', 'check', '--config', '--version']],
    [['check', '-h'], ['mistake']],
    [['help'], ['serve', 'check', '--config', '--version']],
    [['help', 'check'], ['mistake']],
  ])('%p', async (args, words) => {
    const { code, stdout, stderr } = await runBuilt(args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^usage: langfuse-otlp-gateway /);
    for (const word of words) expect(stdout).toContain(word);
  });
});

describe('wrong usage: one line on stderr, exit code 2, nothing started', () => {
  test.each([
    [['start']],
    [['serve', 'twice']],
    [['check', 'this.yaml']],
    [['--port', '1']],
    [['-x']],
    [['--config']],
    [['--help=yes']],
    [['--config=']],
    [['check', '--config', '']],
    [['help', 'twice']],
    [['help', 'help']],
    [['toString']],
    [['constructor', '--help']],
    [['']],
  ])(
    '%p',
    async (args) => {
      const { code, stdout, stderr } = await runBuilt(args, { PORT: '0', GATEWAY_ADMIN_PORT: '0' });
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^langfuse-otlp-gateway: .+; see langfuse-otlp-gateway --help\n$/);
      // A program that serves after all would not end by itself.
    },
    5_000,
  );
});

describe('mistakes in the configuration: all listed, exit code 1', () => {
  const env = { PORT: 'x', LOG_LEVEL: 'loud', LANGFUSE_SECRET_KEY: 'sk-lf-secret' };

  test('serve: on stderr, and nothing is started', async () => {
    const { code, stdout, stderr } = await runBuilt([], env);
    expect([code, stdout]).toEqual([1, '']);
    const lines = stderr.trimEnd().split('\n');
    for (const name of Object.keys(env)) expect(lines.filter((line) => line.includes(name))).not.toEqual([]);
    expect(lines.at(-1)).toBe(`nothing was started: ${lines.length - 1} mistake(s) in the configuration`);
    expect(stderr).not.toContain('sk-lf-secret');
  });

  test('serve: the warnings after them', async () => {
    const { stderr } = await runBuilt([], { PORT: 'x', GATEWAY_UNKNOWN: 'y' });
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^PORT must be /),
      expect.stringMatching(/^warning: GATEWAY_UNKNOWN /),
      'nothing was started: 1 mistake(s) in the configuration',
    ]);
  });

  test('check: on stdout, the same mistakes', async () => {
    const served = (await runBuilt([], env)).stderr.split('\n').slice(0, -2);
    const { code, stdout, stderr } = await runBuilt(['check'], env);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout.trimEnd().split('\n')).toEqual(served);
  });

  test('open beyond loopback: refused', async () => {
    const { code, stderr } = await runBuilt([], { HOST: '0.0.0.0' });
    expect(code).toBe(1);
    expect(stderr).toContain('GATEWAY_ALLOW_ANONYMOUS');
  });

  test('a file that is not there', async () => {
    const file = join(folder, 'missing.yaml');
    for (const args of [['--config', file], [`--config=${file}`], ['check', '--config', file]]) {
      const { code, stdout, stderr } = await runBuilt(args);
      expect([code, `${stdout}${stderr}`]).toEqual([1, expect.stringContaining('missing.yaml')]);
    }
  });
});

test('a signal while it starts: it ends in order', async () => {
  const env = { PATH: process.env.PATH, PORT: '0', GATEWAY_ADMIN_PORT: '0', GATEWAY_UNKNOWN: 'x' };
  const child = spawn(process.execPath, [join(__dirname, '../dist/main.js')], { env });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  // The warning is the first line, written before anything is made or listens.
  child.stdout.once('data', () => child.kill('SIGTERM'));
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(output.split('\n').at(-2)).toContain('stopped; nothing was left');
}, 10_000);

describe('a configuration that is fine', () => {
  test('check: what would be served, exit code 0, nothing started', async () => {
    const { code, stdout, stderr } = await runBuilt(['check'], { PORT: '5555' });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('receiver http://127.0.0.1:5555');
  });

  test.each([[['serve']], [[]]])('serve, with --config, as %p', async (args) => {
    const file = join(folder, 'fine.yaml');
    writeFileSync(file, 'queue: { maxBytes: 5000 }\n');
    const gateway = await startBuilt({}, [...args, '--config', file]);
    const large = postOf(numberedSpans(1, { attributes: { padding: 'x'.repeat(5_000) } }));
    // The setting of the file is in force.
    expect((await post(`${gateway.url}/v1/traces`, large)).status).toBe(413);
    gateway.kill('SIGTERM');
    expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
