import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningAdmin, startAdmin } from '../support/admin';

/** Where `npm run build` puts the page, and what it begins with; who runs some tests only may not have built it. */
const BUILT = join(__dirname, '../../dist/ui/index.html');
const FRONT = existsSync(BUILT)
  ? { type: 'text/html; charset=utf-8', text: readFileSync(BUILT, 'utf8') }
  : { type: 'text/plain; charset=utf-8', text: expect.stringContaining('npm run build') };

let admin: RunningAdmin;
beforeAll(async () => {
  admin = await startAdmin();
});
afterAll(() => admin.close());

test('the page, or how to build it', async () => {
  const { status, headers, body } = await admin.get('/');
  expect([status, headers['content-type'], body]).toEqual([200, FRONT.type, FRONT.text]);
  // What changes with the gateway is not to be had from a cache.
  expect(headers).toMatchObject({ 'cache-control': 'no-store' });
  for (const name of ['etag', 'last-modified', 'x-powered-by']) expect(headers).not.toHaveProperty(name);
});

test('what is asked for behind it makes no other page', async () => {
  expect(await admin.get('/?token=x')).toMatchObject({ status: 200, body: FRONT.text });
});

test.each([
  ...['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/..%5cpackage.json', '/./../../package.json'],
  ...[
    '/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '//etc/passwd',
    '/.gitignore',
    '/assets',
    '/assets/',
    '/main.js',
    '/main.js.map',
  ],
  ...['/index.html%00.js', '/%00', '/index.html/', '/INDEX.HTML/x'],
])('%p is nothing of it', (path) => expectNothing(path));

test('nor is a name that no file can have', () => expectNothing(`/${'a'.repeat(5_000)}`));

async function expectNothing(path: string): Promise<void> {
  const { status, body } = await admin.get(path);
  expect([status, body]).toEqual([404, { error: 'no such path' }]);
  expect(admin.logs).toEqual([]);
}

test('with a token nobody has the page without', async () => {
  const guarded = await startAdmin({ token: 'token' });
  for (const path of ['/', '/index.html', '/favicon.svg', '/assets/x.js']) {
    expect([path, (await guarded.get(path)).status]).toEqual([path, 401]);
  }
  const headers = { authorization: `Basic ${btoa('anybody:token')}` };
  expect(await guarded.get('/', { headers })).toMatchObject({ status: 200, body: FRONT.text });
  await guarded.close();
});
