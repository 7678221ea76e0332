import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { endAllBuilt, runBuilt } from '../support/built-gateway';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { encodeSpans, numberedSpans } from '../support/trace-request';
import { jsonOf } from './explain-runs';

const MAIN = join(__dirname, '../../dist/main.js');

let folder: string;
beforeAll(() => {
  folder = makeTemporary();
});
afterAll(() => removeTemporary(folder));
afterEach(endAllBuilt);

/** A file with that content, by its path. */
function file(content: string | Buffer, name = 'request.bin'): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Runs it with a body on standard input. */
async function piped(body: string | Buffer, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, 'explain', '-', ...args], { env: {} });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  child.stdin.end(body);
  const [code] = await once(child, 'close');
  return { code, ...said };
}

test('a file or standard input, for people or machines', async () => {
  const body = encodeSpans(numberedSpans(3));
  const ofFile = await runBuilt(['explain', file(body)]);
  expect(ofFile).toMatchObject({ code: 0, stderr: '' });
  expect(ofFile.stdout).toMatch(/^trace \S+\n {2}SPAN {2}s1 [\s\S]+\n3 observation\(s\) in 1 trace\(s\), [^\n]+\n$/);
  expect(await piped(gzipSync(body))).toEqual({ code: 0, stdout: ofFile.stdout, stderr: '' });
  const json = await runBuilt(['explain', '--json', file(body)]);
  expect(JSON.parse(json.stdout)).toMatchObject({
    observations: [{ name: 's1' }, { name: 's2' }, { name: 's3' }],
    rejected: [],
  });
  expect(Object.keys(JSON.parse(json.stdout))).toEqual(['observations', 'rejected']);
  expect(await piped(body, '--json')).toEqual({ code: 0, stdout: json.stdout, stderr: '' });
});

test('rejected spans are no failure', async () => {
  const { code, stdout } = await runBuilt(['explain', '--json', file(jsonOf({}, { traceId: 'x' }))]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ observations: [{}], rejected: [{ index: 1 }] });
});

test('a configuration file, which may be mistaken', async () => {
  const body = file(jsonOf({}));
  const keys = 'publicKey: pk-lf-1, secretKey: sk-lf-1, environment: staging';
  const fine = file(`destinations: [{ ${keys} }]\n`, 'fine.yaml');
  const { stdout } = await runBuilt(['explain', '--json', body, '--config', fine], { PORT: 'x' });
  expect(JSON.parse(stdout)).toMatchObject({ observations: [{ environment: 'staging' }] });
  const mistaken = file('unknown: 1\n', 'mistaken.yaml');
  expect(await runBuilt(['explain', body, '--config', mistaken])).toMatchObject({
    ...{ code: 1, stdout: '', stderr: expect.stringMatching(/^\S+mistaken\.yaml:1: .+\n$/) },
  });
});

test.each([
  ['a file that is not there', 'missing.bin', 'there is no such file'],
  ['a folder', '', 'this is a folder'],
  ['a name that a terminal would obey', '\u001b[2J', '\\u001b[2J: there is no such file'],
])('%s', async (_, name, message) => {
  const { code, stdout, stderr } = await runBuilt(['explain', join(folder, name)]);
  expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(`${message}\n`)]);
});

test.each([
  ['', 'it is empty'],
  ['<html>', 'it looks like HTML'],
  ['{"resourceLogs":[]}', 'it looks like OTLP logs'],
])('a body that is none: %j', async (content, message) => {
  const { code, stdout, stderr } = await runBuilt(['explain', '--json', file(content)]);
  expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(message)]);
});

test.each([
  [['explain']],
  [['explain', '--json']],
  [['explain', 'a', 'b']],
  [['explain', '']],
  [['explain', 'a', '--yaml']],
])('wrong usage: %j', async (args) => {
  const { code, stdout, stderr } = await runBuilt(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^langfuse-otlp-gateway: .+; see langfuse-otlp-gateway explain --help\n$/);
});

test.each([[['explain', '-h']], [['help', 'explain']]])('help: %j', async (args) => {
  const { code, stdout, stderr } = await runBuilt(args);
  expect([code, stderr]).toEqual([0, '']);
  for (const word of ['explain FILE|- [--json] [--config FILE]', '"observations"']) expect(stdout).toContain(word);
});

test.each([[[]], [['--json']]])('whoever reads the first lines and goes leaves no complaint: %j', async (words) => {
  // More lines than a pipe holds.
  const path = file(encodeSpans(numberedSpans(5_000)));
  const child = spawn(process.execPath, [MAIN, 'explain', path, ...words], { env: {} });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  expect([...(await once(child, 'close')), said]).toEqual([0, null, '']);
});

test('100,000 spans: all of them, in memory that does not hold them all', async () => {
  const filler = { attributes: { 'langfuse.observation.input': 'x'.repeat(300) } };
  const path = file(encodeSpans(numberedSpans(100_000, filler)));
  const child = spawn(process.execPath, ['--max-old-space-size=100', MAIN, 'explain', '--json', path], { env: {} });
  let lines = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 0x0a) lines++;
  });
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(lines).toBe(100_001);
}, 60_000);
