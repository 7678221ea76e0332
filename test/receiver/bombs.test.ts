import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import zlib from 'node:zlib';
import { GatewayError } from '../../src/errors';
import { createDoorBudget, type DoorTicket, readBody } from '../../src/receiver/body';
import { eventually } from '../support/eventually';
import { startReceiver } from '../support/receiver';
import { zeroBlocks, zeroLiterals, zstdFrame } from '../support/zstd-samples';

const MIB = 1024 * 1024;
const LIMIT = 2 * MIB;
/** What may grow at once of streams. */
const LARGE_AT_ONCE = 4;

interface Door {
  server: http.Server;
  url: string;
  port: number;
  /** Of all bodies together, in bytes. */
  heldNow(): number;
  heldMax(): number;
  /** What each body was charged in the end. */
  charged: number[];
  begun(): number;
  codes: string[];
  close(): Promise<void>;
}

/** readBody behind a real server, with a door that never refuses and counts what it holds. */
async function openDoor({ chargedMax = Number.POSITIVE_INFINITY, onLarge = () => {} } = {}): Promise<Door> {
  const budget = createDoorBudget({ bytesMax: Number.POSITIVE_INFINITY, random: () => 0 });
  let [held, heldMax, begun] = [0, 0, 0];
  const charged: number[] = [];
  const codes: string[] = [];
  const server = http.createServer(async (request, response) => {
    const real = budget.enter(0);
    let mine = 0;
    let bytesMax = 0;
    const change = (bytes: number) => {
      held += bytes - mine;
      mine = bytes;
      heldMax = Math.max(heldMax, held);
    };
    begun += 1;
    const ticket: DoorTicket = {
      hold(bytes) {
        real.hold(bytes);
        change(bytes);
      },
      leave() {
        real.leave();
        change(0);
      },
    };
    const onBytes = (bytes: number) => {
      expect(bytes).toBeGreaterThanOrEqual(bytesMax);
      bytesMax = bytes;
      if (bytes > MIB) onLarge();
      if (bytes > chargedMax) throw new GatewayError('rate_limited', 'enough');
    };
    const outcome = await readBody(request, { response, bodyBytesMax: LIMIT, ticket, onBytes }).then(
      (body) => `${body.length}`,
      (error: unknown) => (error instanceof GatewayError ? error.code : `${error}`),
    );
    ticket.leave();
    charged.push(bytesMax);
    codes.push(outcome);
    response.end(outcome);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    ...{ server, url: `http://127.0.0.1:${port}`, port, charged, codes },
    ...{ heldNow: () => held, heldMax: () => heldMax, begun: () => begun },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const post = async (url: string, coding: string, body: Buffer) => {
  const headers = { 'content-encoding': coding, 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
  return { status: response.status, text: await response.text() };
};
const brotli = (length: number) =>
  zlib.brotliCompressSync(Buffer.alloc(length, ' '), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } });
const damaged = (body: Buffer) => Buffer.concat([body, Buffer.from('junk')]);

const BOMBS: [string, string, Buffer, string][] = [
  ['br, then junk', 'br', damaged(brotli(LIMIT)), 'bad_request'],
  ['gzip, then junk', 'gzip', damaged(zlib.gzipSync(Buffer.alloc(LIMIT))), 'bad_request'],
  ['raw deflate, too large', 'deflate', zlib.deflateRawSync(Buffer.alloc(LIMIT + 1)), 'too_large'],
  ['zstd of literals, with a wrong checksum', 'zstd', wrongZstd(), 'bad_request'],
];

function wrongZstd(): Buffer {
  return zstdFrame({ blocks: zeroLiterals(LIMIT / 131072), checksum: Uint8Array.of(1, 2, 3, 4) });
}

describe.each([30, 200])('%i bombs at once', (count) => {
  test.each(BOMBS)('%s: what is held stays that of four, and each is charged', async (_name, coding, body, code) => {
    const door = await openDoor();
    try {
      const answers = await Promise.all(Array.from({ length: count }, () => post(door.url, coding, body)));
      expect(answers.map(({ text }) => text)).toEqual(Array(count).fill(code));
      expect(door.heldMax()).toBeGreaterThan(LIMIT / 2);
      expect(door.heldMax()).toBeLessThanOrEqual(LARGE_AT_ONCE * (LIMIT + MIB) + count * body.length);
      expect(door.heldNow()).toBe(0);
      expect(Math.min(...door.charged)).toBeGreaterThan(LIMIT - MIB);
    } finally {
      await door.close();
    }
  });
});

test('two codings: what lies between them is held, and charged is the larger', async () => {
  const door = await openDoor();
  try {
    const between = Buffer.concat([zlib.gzipSync(Buffer.alloc(LIMIT)), zlib.gzipSync(Buffer.alloc(0))]);
    expect((await post(door.url, 'gzip, br', zlib.brotliCompressSync(between))).text).toBe(`${LIMIT}`);
    expect(door.charged).toEqual([LIMIT]);
    expect(door.heldMax()).toBeGreaterThanOrEqual(LIMIT + between.length);
  } finally {
    await door.close();
  }
});

test.each<[string, string, Buffer]>([
  ['no coding', 'identity', Buffer.alloc(LIMIT)],
  ['gzip', 'gzip', zlib.gzipSync(Buffer.alloc(LIMIT))],
  ['br', 'br', brotli(LIMIT)],
  ['zstd', 'zstd', zstdFrame({ blocks: zeroBlocks(LIMIT) })],
])('who is charged too much is refused in the middle of it: %s', async (_name, coding, body) => {
  const door = await openDoor({ chargedMax: 1.5 * MIB });
  try {
    expect((await post(door.url, coding, body)).text).toBe('rate_limited');
    expect(door.charged).toHaveLength(1);
    expect(door.charged[0]).toBeGreaterThan(1.5 * MIB);
    expect(door.heldNow()).toBe(0);
  } finally {
    await door.close();
  }
});

test('whoever leaves while waiting for a turn is not inflated', async () => {
  const sockets: Socket[] = [];
  // The first that is seen to grow: by then the others wait, or have their turn and nothing yet.
  const door = await openDoor({ onLarge: () => sockets.forEach((socket) => void socket.destroy()) });
  try {
    door.server.on('connection', (socket) => sockets.push(socket));
    const body = zlib.gzipSync(Buffer.alloc(LIMIT));
    const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
    const senders = Array.from({ length: 40 }, () => connect(door.port, '127.0.0.1').on('error', () => {}));
    for (const sender of senders) sender.write(Buffer.concat([Buffer.from(head), body.subarray(0, -1)]));
    await eventually(() => expect(door.begun()).toBe(40));
    for (const sender of senders) sender.write(body.subarray(-1));
    await eventually(() => expect(door.codes).toEqual(Array(40).fill('bad_request')));
    expect(door.heldNow()).toBe(0);
    expect(door.charged.filter((bytes) => bytes > MIB)).toHaveLength(1);
  } finally {
    await door.close();
  }
});

test('a receiver that got 200 of them at once answers each, and takes the next body', async () => {
  const { url, close } = await startReceiver({ bodyBytesMax: LIMIT });
  try {
    const bomb = () => post(`${url}/v1/traces`, 'gzip', zlib.gzipSync(Buffer.alloc(LIMIT + 1)));
    const answers = await Promise.all(Array.from({ length: 200 }, bomb));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([413]));
    expect((await post(`${url}/v1/traces`, 'gzip', zlib.gzipSync('{"resourceSpans":[]}'))).status).toBe(200);
  } finally {
    await close();
  }
});
