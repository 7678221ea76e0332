import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { SETTINGS } from '../../src/config';
import { codingFixture, T1J, T1P } from '../support/literal-cases';
import { CONTENT_TYPE, type Encoding, expectRefusal, expectSuccess } from '../support/otlp-answer';
import { T1 } from '../support/otlp-twins';
import { useGateway } from '../support/use-gateway';
import { zeroBlocks, zstdFixture, zstdFrame } from '../support/zstd-samples';

const gateway = useGateway();
const limited = useGateway({ env: { GATEWAY_BODY_MAX_BYTES: '1024' } });

const BODIES: readonly (readonly [Encoding, Buffer])[] = [
  ['json', T1J],
  ['protobuf', T1P],
];
const KNOWN = ['gzip', 'deflate', 'zlib', 'br', 'zstd', 'identity'];

const zstdOf = (encoding: Encoding) => codingFixture({ json: 't1j.zst', protobuf: 't1p.zst' }[encoding]);
const coded = (encoding: Encoding, coding: string, body: Buffer) => ({
  headers: { 'content-type': CONTENT_TYPE[encoding], 'content-encoding': coding },
  body,
});
const inTwoMembers = (body: Buffer) => Buffer.concat([gzipSync(body.subarray(0, 40)), gzipSync(body.subarray(40))]);
const inTwoFrames = (body: Buffer) =>
  Buffer.concat([body.subarray(0, 40), body.subarray(40)].map((raw) => zstdFrame({ blocks: [{ raw }] })));
/** The last eight bytes of gzip are a checksum and a length. */
const withWrongChecksum = (body: Buffer) => {
  const coded = gzipSync(body);
  return Buffer.concat([coded.subarray(0, -8), Buffer.alloc(4), coded.subarray(-4)]);
};

describe.each(BODIES)('%s', (encoding, t1) => {
  test.each<[name: string, coding: string, body: Buffer]>([
    ['D04 zstd', 'zstd', zstdOf(encoding)],
    ['D05 zlib', 'zlib', deflateSync(t1)],
    ['D06 deflate', 'deflate', deflateSync(t1)],
    ['D07 deflate, raw', 'deflate', deflateRawSync(t1)],
    ['D12 identity', 'Identity', t1],
    ['D13 upper case', 'GZip', gzipSync(t1)],
    ['D14 x-gzip', 'X-GZIP', gzipSync(t1)],
    ['D15 gzip twice', 'gzip, gzip', gzipSync(gzipSync(t1))],
    ['D15 gzip and identity', 'gzip, identity', gzipSync(t1)],
    ['D15 identity and gzip', 'identity,gzip', gzipSync(t1)],
    ['D15 in order of application', 'zstd, gzip', gzipSync(zstdOf(encoding))],
    ['D16 br', 'br', brotliCompressSync(t1)],
    ['D17 none', 'none', t1],
    ['D18 empty header', '', t1],
    ['D26 gzip in two members', 'gzip', inTwoMembers(t1)],
    ['D26 zstd in two frames', 'zstd', inTwoFrames(t1)],
    ['D36 none, in any configuration', 'none', t1],
    ['D36 gzip, in any configuration', 'gzip', gzipSync(t1)],
  ])('%s', async (_, coding, body) => {
    const { answer, spans } = await gateway.pass(coded(encoding, coding, body));
    expectSuccess(answer, encoding);
    expect(spans).toEqual([T1]);
  });

  test.each<[name: string, coding: string, body: Buffer]>([
    ...['gzip', 'zstd', 'zlib', 'deflate', 'br'].map((coding): [string, string, Buffer] => [
      `D22 ${coding} that is plain text`,
      coding,
      Buffer.from('{"key": "value"}'),
    ]),
    ['D23 gzip cut off', 'gzip', gzipSync(t1).subarray(0, 5)],
    ['D23 gzip without its end', 'gzip', gzipSync(t1).subarray(0, -1)],
    ['D23 zlib cut off', 'zlib', deflateSync(t1).subarray(0, 20)],
    ['D23 deflate, raw, cut off', 'deflate', deflateRawSync(t1).subarray(0, -1)],
    ['D23 br cut off', 'br', brotliCompressSync(t1).subarray(0, -1)],
    ['D23 zstd cut off', 'zstd', zstdOf(encoding).subarray(0, -1)],
    ['D24 gzip of no bytes', 'gzip', Buffer.alloc(0)],
    ['D25 zstd of no bytes', 'zstd', Buffer.alloc(0)],
    ['D25 br of no bytes', 'br', Buffer.alloc(0)],
    ['D27 gzip and more', 'gzip', Buffer.concat([gzipSync(t1), Buffer.from('junk')])],
    ['D27 gzip and zeros', 'gzip', Buffer.concat([gzipSync(t1), Buffer.alloc(8)])],
    ['D27 zlib and more', 'zlib', Buffer.concat([deflateSync(t1), deflateSync(t1)])],
    ['D27 zstd and more', 'zstd', Buffer.concat([zstdOf(encoding), Buffer.from('junk')])],
    ['D27 br and more', 'br', Buffer.concat([brotliCompressSync(t1), Buffer.from('junk')])],
    ['D28 gzip with a wrong checksum', 'gzip', withWrongChecksum(t1)],
    ['D28 zlib with a wrong checksum', 'zlib', Buffer.concat([deflateSync(t1).subarray(0, -4), Buffer.alloc(4)])],
  ])('%s: 400', async (_, coding, body) => {
    const { message } = expectRefusal(await gateway.post(coded(encoding, coding, body)), { status: 400, encoding });
    expect(message).toContain(coding);
  });

  test.each([
    ['D15 three layers', 'gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(t1)))],
    ['D22 snappy', 'snappy', Buffer.from('{"key": "value"}')],
    ['D22 x-snappy-framed', 'x-snappy-framed', Buffer.from('{"key": "value"}')],
    ['D22 lz4', 'lz4', Buffer.from('{"key": "value"}')],
    ['D29 snappy whose length is 4 GiB', 'snappy', Buffer.from('ffffffff0f00', 'hex')],
    ['D35 a coding that nobody has', 'compress', t1],
    ['D35 a coding in a list', 'gzip, lzma', t1],
  ])('%s: 415 names what is known', async (_, coding, body) => {
    const answer = await gateway.post(coded(encoding, coding, body));
    const { message } = expectRefusal(answer, { status: 415, encoding });
    for (const known of KNOWN) {
      expect(message).toContain(known);
      expect(answer.headers['accept-encoding']).toContain(known);
    }
  });

  test.each<[name: string, coding: string, bomb: (zeros: Buffer) => Buffer]>([
    ['D30 gzip', 'gzip', gzipSync],
    ['D30 zlib', 'zlib', deflateSync],
    ['D30 deflate', 'deflate', deflateRawSync],
    ['D30 br', 'br', brotliCompressSync],
    ['D30 zstd', 'zstd', ({ length }) => zstdFrame({ blocks: zeroBlocks(length) })],
    ['D30 gzip in members of less than the limit', 'gzip', (zeros) => inTwoMembers(Buffer.concat([zeros, zeros]))],
    ['D30 gzip twice', 'gzip, gzip', (zeros) => gzipSync(gzipSync(zeros))],
  ])('%s: 2 KiB where 1 KiB is the limit', async (_, coding, bomb) => {
    const answer = await limited.post(coded(encoding, coding, bomb(Buffer.alloc(2048))));
    expectRefusal(answer, { status: 413, encoding });
  });

  test.each(['window-2-27.zst', 'window-2-30.zst'])('D32 zstd with a huge window: %s', async (file) => {
    const answer = await gateway.post(coded(encoding, 'zstd', zstdFixture(file)));
    expect([400, 413]).toContain(answer.status);
    expectRefusal(answer, { status: answer.status, encoding });
  });

  test('D33 damaged bodies of every coding are answered, and the gateway lives', async () => {
    const samples: [string, Buffer][] = [
      ...[['gzip', gzipSync(t1)] as [string, Buffer], ['deflate', deflateSync(t1)] as [string, Buffer]],
      ...[['br', brotliCompressSync(t1)] as [string, Buffer], ['zstd', zstdOf(encoding)] as [string, Buffer]],
    ];
    for (const [coding, sample] of samples) {
      for (let at = 0; at < sample.length; at += 3) {
        const damaged = Buffer.from(sample);
        damaged.writeUInt8(damaged.readUInt8(at) ^ 0x55, at);
        const { status, headers } = await gateway.post(coded(encoding, coding, damaged));
        expect([200, 400, 413]).toContain(status);
        expect(headers['content-type']).toBe(CONTENT_TYPE[encoding]);
      }
    }
    expectSuccess(await gateway.post(coded(encoding, 'gzip', gzipSync(t1))), encoding);
  });

  test('D34 the answer is not compressed', async () => {
    const headers = { 'content-type': CONTENT_TYPE[encoding], 'accept-encoding': 'gzip, br, identity;q=0' };
    const answer = await gateway.post({ headers, body: t1 });
    expectSuccess(answer, encoding);
    expect(answer.headers).not.toHaveProperty('content-encoding');
  });
});

test('D36 no setting takes a coding away', () => {
  expect(Object.keys(SETTINGS).filter((key) => /encoding|coding|compression/i.test(key))).toEqual([
    'destinations[].compression',
  ]);
});
