import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../src/config';

const root = join(__dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

describe('Dockerfile', () => {
  const instructions = read('Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, '')
    .split('\n')
    .filter(Boolean);
  const all = (name: string) =>
    instructions.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const final = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));

  test('builds from one pinned image', () => {
    expect(new Set(all('FROM').map((line) => line.split(' ')[0]))).toEqual(new Set(['node:24-bookworm-slim']));
  });

  test('takes the production dependencies only', () => {
    expect(
      all('RUN')
        .filter((line) => line.startsWith('npm ci'))
        .at(-1),
    ).toContain('--omit=dev');
    expect(final.filter((line) => line.includes('node_modules'))).toEqual([
      'COPY --from=dependencies /app/node_modules ./node_modules',
    ]);
  });

  test('ends as a user who is not root, given by number', () => {
    expect(final.filter((line) => line.startsWith('USER ')).at(-1)).toMatch(/^USER [1-9]\d*:[1-9]\d*$/);
  });

  test.each([
    ['refuses to start', 'as it is', {}, 'mistakes'],
    ['starts', 'with a key', { GATEWAY_INGEST_KEYS: 'gw-1' }, 'config'],
    ['starts', 'when told that it may be open', { GATEWAY_ALLOW_ANONYMOUS: 'true' }, 'config'],
  ])('listens on all addresses and %s %s', (_does, _when, given, result) => {
    const variables = all('ENV').flatMap((line) => line.trim().split(/\s+/));
    expect(variables).toEqual(['NODE_ENV=production', 'HOST=0.0.0.0']);
    const env = Object.fromEntries(variables.map((line) => line.split('=')));
    expect(loadConfig({ env: { ...env, ...given } })).toHaveProperty(result);
  });

  test('starts what `npm run build` builds', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
    const words: string[] = [...all('ENTRYPOINT'), ...all('CMD')].flatMap((line) => JSON.parse(line));
    expect(scripts.start).toBe(`npm run build && exec ${words.join(' ')}`);
  });

  test('holds every file that the gateway reads at start', () => {
    const image = mkdtempSync(join(tmpdir(), 'image-'));
    const copied = final.filter((line) => /^COPY [^-]/.test(line)).flatMap((line) => line.split(' ').slice(1, -1));
    for (const name of copied) cpSync(join(root, name), join(image, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(image, 'node_modules'));
    const tsc = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(image, 'dist')];
    spawnSync(join(root, 'node_modules', '.bin', 'tsc'), tsc);

    const env = { PATH: process.env.PATH, HOST: '0.0.0.0', GATEWAY_ALLOW_ANONYMOUS: 'true' };
    const check = spawnSync(process.execPath, ['dist/main.js', 'check'], { cwd: image, env, encoding: 'utf8' });
    rmSync(image, { recursive: true });
    expect(check).toMatchObject({ status: 0, stderr: '' });
  });

  test('copies only what .dockerignore lets in', () => {
    const admitted = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = all('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1));
    expect(new Set(admitted)).toEqual(new Set(copied));
  });

  test.each([
    ['healthy', 200, 0],
    ['unhealthy', 503, 1],
  ])('has a health check that calls an answer of a gateway %s by its name', async (_name, status, exitCode) => {
    const paths: unknown[] = [];
    const gateway = createServer((request, response) => {
      paths.push(request.url);
      response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(gateway, 'listening');
    const { port } = gateway.address() as AddressInfo;
    const whileListening = await runHealthCheck(port);
    gateway.close();
    await once(gateway, 'close');
    expect({ whileListening, paths, afterwards: await runHealthCheck(port) }).toEqual({
      whileListening: exitCode,
      paths: ['/healthz'],
      afterwards: 1,
    });
  });

  async function runHealthCheck(port: number): Promise<unknown> {
    const [, ...args]: string[] = JSON.parse(all('HEALTHCHECK')[0]?.replace(/^.*?CMD /, '') ?? '');
    const check = spawn(process.execPath, args, { env: { ...process.env, GATEWAY_ADMIN_PORT: String(port) } });
    const [exitCode] = await once(check, 'exit');
    return exitCode;
  }
});
