import { spawnSync } from 'node:child_process';
import { accessSync, constants, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const manifest: { version: string; bin: Record<string, string>; files: string[] } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
const bin = manifest.bin['langfuse-otlp-gateway'] ?? '';
const run = (program: string, args: string[]) =>
  spawnSync(program, args, { env: { PATH: process.env.PATH }, encoding: 'utf8' });

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'gateway-bin-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

test('is in the repository, can be executed and is part of the package', () => {
  expect(bin).toBe('bin/langfuse-otlp-gateway.js');
  expect(() => accessSync(join(root, bin), constants.X_OK)).not.toThrow();
  expect(manifest.files).toEqual(expect.arrayContaining(['bin', 'dist']));
});

test('runs the built program, also through a link as npm makes it', () => {
  const link = join(scratch, 'langfuse-otlp-gateway');
  symlinkSync(join(root, bin), link);
  expect(run(link, ['--version'])).toMatchObject({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
  expect(run(link, ['start'])).toMatchObject({ status: 2, stdout: '' });
});

test('before the first build it says what to do', () => {
  cpSync(join(root, bin), join(scratch, bin));
  const { status, stdout, stderr } = run(join(scratch, bin), ['check']);
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: 'langfuse-otlp-gateway: it is not built yet; run npm run build first\n',
  });
});
