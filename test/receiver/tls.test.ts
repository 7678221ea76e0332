import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import pino from 'pino';
import { readTlsFiles } from '../../src/config/tls-files';
import { type ReadTls, type TlsMaterial, tlsOptions, watchTls } from '../../src/receiver/tls';
import { type Certificate, createAuthority } from '../support/certificates';
import { eventually } from '../support/eventually';
import { makeTemporary, removeTemporary } from '../support/temporary';

const HOSTS = ['localhost', '127.0.0.1'];
const authority = createAuthority('authority of servers');
const clients = createAuthority('authority of clients');
const strangers = createAuthority('authority of strangers');
const first = authority.issue({ hosts: HOSTS, days: 20 });
const second = authority.issue({ hosts: HOSTS, days: 10 });

const materialOf = ({ cert, key }: Certificate, ca?: string): TlsMaterial => ({
  cert: Buffer.from(cert),
  key: Buffer.from(key),
  ca: ca === undefined ? undefined : Buffer.from(ca),
});

interface Line {
  level: number;
  msg: string;
  validTo?: string;
  code?: string;
}

let folder: string;
beforeAll(() => {
  folder = makeTemporary();
});
afterAll(() => removeTemporary(folder));

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

/** A server with TLS that answers `ok`, watched; `read` may be replaced in the middle. */
async function start(read: ReadTls, options: { handshakeTimeout?: number } = {}) {
  const lines: Line[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const files = { read, reads: 0 };
  const server = https.createServer({ ...tlsOptions(read()), ...options }, (_request, response) => response.end('ok'));
  const counted = () => {
    files.reads += 1;
    return files.read();
  };
  const watch = watchTls(server, { read: counted, log, everyMs: 10 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  close = async () => {
    watch.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  /** Resolves after the handshake. */
  const shake = async (options: ConnectionOptions = {}) => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, ...options });
    await once(socket, 'secureConnect');
    return socket;
  };
  /** What the server shows of itself, as PEM. */
  const shown = async (options: ConnectionOptions = {}) => {
    const socket = await shake(options);
    const certificate = socket.getPeerX509Certificate()?.toString();
    socket.destroy();
    return certificate;
  };
  const get = async (options: https.RequestOptions & ConnectionOptions = {}) => {
    const agent = false;
    const outgoing = https.get({ port, host: '127.0.0.1', ca: authority.cert, agent, ...options });
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    return { status: answer.statusCode, body: Buffer.concat(await answer.toArray()).toString() };
  };
  /** Until the files have been looked at again, from beginning to end. */
  const lookedAt = async () => {
    const { reads } = files;
    await eventually(() => expect(files.reads).toBeGreaterThan(reads + 1));
  };
  return {
    server,
    port,
    files,
    lines,
    shake,
    shown,
    get,
    lookedAt,
    warnings: () => lines.filter(({ level }) => level === 40),
  };
}

describe('handshake', () => {
  test('A19 HTTP/1.1, whether the client offers it alone, with HTTP/2 or not at all', async () => {
    const { get, shake } = await start(() => materialOf(first));
    expect(await get()).toEqual({ status: 200, body: 'ok' });
    for (const [offered, expected] of [
      [['h2', 'http/1.1'], 'http/1.1'],
      [['http/1.1'], 'http/1.1'],
      [undefined, false],
    ] as const) {
      const socket = await shake({ ALPNProtocols: offered === undefined ? undefined : [...offered] });
      expect(socket.alpnProtocol).toBe(expected);
      socket.destroy();
    }
  });

  test('A19 HTTP/2 alone is refused', async () => {
    const { shake } = await start(() => materialOf(first));
    await expect(shake({ ALPNProtocols: ['h2'] })).rejects.toThrow(/no application protocol/);
  });

  test('TLS 1.2 is the least', async () => {
    const { shake } = await start(() => materialOf(first));
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await shake({ minVersion: version, maxVersion: version });
      expect(socket.getProtocol()).toBe(version);
      socket.destroy();
    }
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(shake(old)).rejects.toThrow(/alert protocol version/);
  });

  test('who speaks no TLS is cut off, and the log says so at level debug only', async () => {
    const { port, lines, get } = await start(() => materialOf(first));
    const socket = connectTcp(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: gateway\r\n\r\n');
    const received: Buffer[] = await socket.toArray();
    expect(Buffer.concat(received).toString()).not.toContain('HTTP');
    expect(lines).toContainEqual(expect.objectContaining({ level: 20, code: 'ERR_SSL_HTTP_REQUEST' }));
    expect(lines.filter(({ level }) => level > 30)).toEqual([]);
    expect((await get()).status).toBe(200);
  });

  test.each([
    ['says nothing', ''],
    ['stops after its first bytes', '\x16\x03\x01'],
  ])('L03 a client that %s is cut off', async (_, bytes) => {
    const { port, server, lines } = await start(() => materialOf(first), { handshakeTimeout: 50 });
    // As in the receiver: somebody answers what is no HTTP, and that must not keep the connection.
    server.on('clientError', (_error, socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    socket.write(bytes);
    await eventually(() => expect(lines.map(({ code }) => code)).toContain('ERR_TLS_HANDSHAKE_TIMEOUT'));
    await eventually(async () => {
      const open = await new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
      expect(open).toBe(0);
    });
    socket.destroy();
  });

  test('the time for a handshake leaves room for the headers within a minute', () => {
    expect(tlsOptions(materialOf(first)).handshakeTimeout).toBeGreaterThan(0);
    expect(tlsOptions(materialOf(first)).handshakeTimeout).toBeLessThan(25_000);
  });
});

describe('K09 clients with certificates', () => {
  const right = clients.issue();

  test('the right one is served, and without authorities any or none', async () => {
    const strict = await start(() => materialOf(first, clients.cert));
    expect(await strict.get({ ...right })).toEqual({ status: 200, body: 'ok' });
    await close?.();
    const lax = await start(() => materialOf(first));
    expect((await lax.get({ ...right })).status).toBe(200);
  });

  test.each([
    ['none', {}],
    ['one of another authority', strangers.issue()],
    ['one of our own authority', authority.issue()],
    ['one that is over', clients.issue({ days: 0.5 })],
  ])('%s: no request gets through', async (_, certificate) => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { server, get, lines } = await start(() => materialOf(first, clients.cert));
      let requests = 0;
      server.on('request', () => {
        requests += 1;
      });
      await expect(get({ ...certificate, maxVersion })).rejects.toThrow();
      await expect(get({ ...right, maxVersion })).resolves.toMatchObject({ status: 200 });
      expect(requests).toBe(1);
      expect(lines.filter(({ level }) => level > 30)).toEqual([]);
      await close?.();
    }
  });
});

describe('files that change', () => {
  test('new connections get the new certificate, an open one lives on', async () => {
    const { files, shown, lines, get } = await start(() => materialOf(first));
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    expect(await shown()).toBe(first.cert);
    expect((await get({ agent })).status).toBe(200);
    const [kept] = Object.values(agent.freeSockets).flat() as TLSSocket[];

    files.read = () => materialOf(second);
    await eventually(async () => expect(await shown()).toBe(second.cert));
    expect((await get({ agent })).status).toBe(200);
    expect(Object.values(agent.freeSockets).flat()).toEqual([kept]);
    agent.destroy();

    const expiries = [20, 10].map((days) => new Date(Date.now() + (days - 1) * 86_400_000).toISOString().slice(0, 10));
    const told = lines.filter(({ level }) => level === 30);
    expect(told.map(({ validTo }) => validTo?.slice(0, 10))).toEqual(expiries);
    expect(told[1]?.msg).toContain(told[1]?.validTo);
    expect(JSON.stringify(lines)).not.toContain('BEGIN');
  });

  test('what changed between making the server and watching it is seen', async () => {
    const versions = [first];
    const { shown } = await start(() => materialOf(versions.shift() ?? second));
    expect(await shown()).toBe(second.cert);
  });

  test('other authorities: their clients come in, and those before stay out, tickets of theirs too', async () => {
    const { files, get, shake, lines } = await start(() => materialOf(first, clients.cert));
    const [old, young] = [clients.issue(), strangers.issue()];
    const socket = await shake({ ...old });
    socket.write('GET / HTTP/1.1\r\nHost: gateway\r\n\r\n');
    const [session] = (await once(socket, 'session')) as [Buffer];
    socket.destroy();
    expect((await get({ ...old, session })).status).toBe(200);

    files.read = () => materialOf(first, strangers.cert);
    await eventually(() => expect(lines.filter(({ level }) => level === 30)).toHaveLength(2));
    await expect(get({ ...old })).rejects.toThrow();
    await expect(get({ ...old, session })).rejects.toThrow();
    await expect(get({})).rejects.toThrow();
    expect((await get({ ...young })).status).toBe(200);
  });

  const GONE = undefined;

  test.each<[string, Partial<Record<'cert' | 'key' | 'ca', string | undefined>>]>([
    ['the certificate is gone', { cert: GONE }],
    ['the authorities are gone', { ca: GONE }],
    ['the certificate is new, its key is not yet', { cert: second.cert }],
    ['the key is new, its certificate is not yet', { key: second.key }],
    ['half a certificate', { cert: second.cert.slice(0, 200), key: second.key }],
    ['a chain cut off', { cert: second.cert + authority.cert.slice(0, 200), key: second.key }],
    ['half a key', { cert: second.cert, key: second.key.slice(0, 100) }],
    ['empty files', { cert: '', key: '', ca: '' }],
    ['no authorities', { ...second, ca: '' }],
    ['half of the authorities', { ...second, ca: clients.cert + strangers.cert.slice(0, 200) }],
    ['a key in their place', { ...second, ca: second.key }],
  ])('%s: the old ones stay, one warning, until it is mended', async (_, contents) => {
    const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: join(folder, 'ca.pem') };
    const write = (files: Partial<Record<'cert' | 'key' | 'ca', string | undefined>>) => {
      for (const [name, content] of Object.entries(files) as ['cert' | 'key' | 'ca', string | undefined][]) {
        if (content === undefined) rmSync(paths[name]);
        else writeFileSync(paths[name], content);
      }
    };
    write({ ...first, ca: clients.cert });
    const read = () => readTlsFiles({ cert: paths.cert, key: paths.key, clientCa: paths.ca });
    const { get, shown, warnings, lookedAt } = await start(read);
    const certificate = clients.issue();
    write(contents);
    await lookedAt();
    await lookedAt();
    expect(await shown({ ...certificate })).toBe(first.cert);
    await expect(get({})).rejects.toThrow();
    expect(warnings()).toHaveLength(1);
    expect(JSON.stringify(warnings())).not.toMatch(/BEGIN|[A-Za-z0-9+/]{40}/);

    write({ ...second, ca: clients.cert });
    await eventually(async () => expect(await shown({ ...certificate })).toBe(second.cert));
    write({ key: first.key });
    await eventually(() => expect(warnings()).toHaveLength(2));
  });

  test('a reader that gives a pair that does not belong together changes nothing', async () => {
    const { files, shown, warnings } = await start(() => materialOf(first));
    files.read = () => materialOf({ cert: second.cert, key: first.key });
    await eventually(() => expect(warnings()).toHaveLength(1));
    expect(await shown()).toBe(first.cert);
  });

  test('files that say the same change nothing and say nothing', async () => {
    const { lines, lookedAt } = await start(() => materialOf(first));
    await lookedAt();
    expect(lines).toHaveLength(1);
  });

  test('closed: nobody looks any more', async () => {
    const log = pino({ level: 'silent' });
    const server = https.createServer(tlsOptions(materialOf(first)));
    let reads = 0;
    const read = () => {
      reads += 1;
      return materialOf(first);
    };
    watchTls(server, { read, log, everyMs: 1 }).close();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(reads).toBe(1);
  });
});
