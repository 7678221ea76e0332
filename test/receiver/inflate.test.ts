import zlib from 'node:zlib';
import { type BulkDecoder, inflate } from '../../src/receiver/inflate';

const MIB = 1024 * 1024;
const GUNZIP = { sync: zlib.gunzipSync, async: zlib.gunzip } as unknown as BulkDecoder;

/** gunzip that notes which of its forms was called, and with what size of output chunk. */
function watchedGunzip() {
  const calls: { form: 'sync' | 'async'; chunkSize: number }[] = [];
  const decoder: BulkDecoder = {
    sync: (body, options) => {
      calls.push({ form: 'sync', chunkSize: options.chunkSize });
      return GUNZIP.sync(body, options);
    },
    async: (body, options, done) => {
      calls.push({ form: 'async', chunkSize: options.chunkSize });
      GUNZIP.async(body, options, done);
    },
  };
  return { calls, decoder };
}

const decoderThatFails = (error: unknown): BulkDecoder => ({
  sync: () => {
    throw error;
  },
  async: (_body, _options, done) => done(error as Error, undefined as never),
});

describe('where the work is done', () => {
  test.each([
    ['a small body, well guessed: on the spot', { bytes: 1000, expected: 1000, forms: ['sync'] }],
    ['1 MiB: on the spot', { bytes: MIB, expected: MIB, forms: ['sync'] }],
    ['more than 1 MiB: in the thread pool', { bytes: MIB + 1, expected: MIB + 1, forms: ['async'] }],
    [
      'guessed far too small: on the spot up to 1 MiB, then in the thread pool',
      { bytes: 2 * MIB, expected: 0, forms: ['sync', 'async'] },
    ],
    ['guessed far too large: in the thread pool', { bytes: 1000, expected: 2 ** 32 - 1, forms: ['async'] }],
  ])('%s', async (_name, { bytes, expected, forms }) => {
    const { calls, decoder } = watchedGunzip();
    const content = Buffer.alloc(bytes, 'abcdefg');
    const options = { coding: 'gzip', outputBytesExpected: expected, bodyBytesMax: 8 * MIB };
    expect((await inflate(zlib.gzipSync(content), decoder, options)).equals(content)).toBe(true);
    expect(calls.map(({ form }) => form)).toEqual(forms);
  });

  test('a body of more than 1 MiB is never inflated on the spot, whatever it promises', async () => {
    const { calls, decoder } = watchedGunzip();
    const empty = zlib.gzipSync(Buffer.alloc(0));
    const body = Buffer.concat(Array.from({ length: Math.ceil((MIB + 1) / empty.length) }, () => empty));
    const options = { coding: 'gzip', outputBytesExpected: 0, bodyBytesMax: 8 * MIB };
    expect(await inflate(body, decoder, options)).toHaveLength(0);
    expect(calls.map(({ form }) => form)).toEqual(['async']);
  });

  test('the output chunk holds what is expected, and never much more than the limit', async () => {
    const { calls, decoder } = watchedGunzip();
    const body = zlib.gzipSync(Buffer.alloc(20_000));
    await inflate(body, decoder, { coding: 'gzip', outputBytesExpected: 20_000, bodyBytesMax: MIB });
    await inflate(body, decoder, { coding: 'gzip', outputBytesExpected: 2 ** 32 - 1, bodyBytesMax: 100_000 });
    expect(calls[0]!.chunkSize).toBeGreaterThan(20_000);
    expect(calls[0]!.chunkSize).toBeLessThan(21_000);
    expect(calls[1]!.chunkSize).toBeLessThan(101_000);
  });
});

describe('errors', () => {
  const body = zlib.gzipSync(Buffer.alloc(100));
  const coded = (code: string) => Object.assign(new Error('of zlib'), { code });

  test.each([
    ['damaged data', coded('Z_DATA_ERROR'), 'bad_request'],
    ['something unheard of', 'thrown text', 'bad_request'],
    ['the limit, found by zlib', coded('ERR_BUFFER_TOO_LARGE'), 'too_large'],
    ['V8 has no memory', new RangeError('Array buffer allocation failed'), 'unavailable'],
    ['zlib has no memory', coded('Z_MEM_ERROR'), 'unavailable'],
    ['brotli has no memory', coded('ERR__ERROR_ALLOC_RING_BUFFER_1'), 'unavailable'],
    ['zstd has no memory', coded('ZSTD_error_memory_allocation'), 'unavailable'],
  ])('%s', async (_name, error, code) => {
    const options = { coding: 'gzip', bodyBytesMax: 8 * MIB };
    for (const outputBytesExpected of [100, 2 * MIB]) {
      const outcome = inflate(body, decoderThatFails(error), { ...options, outputBytesExpected });
      await expect(outcome).rejects.toMatchObject({ name: 'GatewayError', code });
    }
  });

  test.each([100, 2 * MIB])('bytes that were left over, with %i bytes expected', async (outputBytesExpected) => {
    const outcome = inflate(Buffer.concat([body, Buffer.alloc(3)]), GUNZIP, {
      coding: 'x-gzip',
      outputBytesExpected,
      bodyBytesMax: MIB,
    });
    await expect(outcome).rejects.toThrow('x-gzip: bytes after the end of the compressed data');
  });
});
