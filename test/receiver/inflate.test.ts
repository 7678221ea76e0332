import { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { GatewayError } from '../../src/errors';
import { type InflateProgress, inflate, type ZlibDecoder } from '../../src/receiver/inflate';

const MIB = 1024 * 1024;
/** The largest chunk of a stream, and the room beyond it. */
const CHUNK_BYTES = 512 * 1024 + 64;
const GUNZIP = { sync: zlib.gunzipSync, stream: zlib.createGunzip } as unknown as ZlibDecoder;

/** gunzip that notes which of its forms was called, with what size of output chunk, and the streams it made. */
function watchedGunzip() {
  const calls: { form: 'sync' | 'stream'; chunkSize: number }[] = [];
  const streams: ReturnType<ZlibDecoder['stream']>[] = [];
  const decoder: ZlibDecoder = {
    sync: (body, options) => {
      calls.push({ form: 'sync', chunkSize: options.chunkSize });
      return GUNZIP.sync(body, options);
    },
    stream: (options) => {
      calls.push({ form: 'stream', chunkSize: options.chunkSize });
      const stream = GUNZIP.stream(options);
      streams.push(stream);
      return stream;
    },
  };
  return { calls, streams, decoder };
}

const decoderThatFails = (error: unknown): ZlibDecoder => ({
  sync: () => {
    throw error;
  },
  stream: () =>
    Object.assign(new Transform({ transform: (_chunk, _encoding, done) => done(error as Error) }), { bytesWritten: 0 }),
});

describe('where the work is done', () => {
  test.each([
    ['a small body, well guessed: on the spot', { bytes: 1000, expected: 1000, forms: ['sync'] }],
    ['1 MiB: on the spot', { bytes: MIB, expected: MIB, forms: ['sync'] }],
    ['more than 1 MiB: as a stream', { bytes: MIB + 1, expected: MIB + 1, forms: ['stream'] }],
    [
      'guessed far too small: on the spot up to 1 MiB, then as a stream',
      { bytes: 2 * MIB, expected: 0, forms: ['sync', 'stream'] },
    ],
    ['guessed far too large: as a stream', { bytes: 1000, expected: 2 ** 32 - 1, forms: ['stream'] }],
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
    expect(calls.map(({ form }) => form)).toEqual(['stream']);
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

describe('progress', () => {
  const zeros = zlib.gzipSync(Buffer.alloc(64 * MIB));

  test('is told before large work begins, and after every chunk of it', async () => {
    const told: InflateProgress[] = [];
    const content = Buffer.alloc(8 * MIB, 'abcdefg');
    const options = { coding: 'gzip', outputBytesExpected: content.length, bodyBytesMax: 64 * MIB };
    await inflate(zlib.gzipSync(content), GUNZIP, { ...options, onProgress: (progress) => told.push(progress) });
    expect(told[0]).toEqual({ inflated: 0, held: 0 });
    expect(told.at(-1)).toEqual({ inflated: content.length, held: content.length });
    const steps = told.slice(1).map(({ held }, i) => held - told[i]!.held);
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(Math.max(...steps)).toBeLessThanOrEqual(CHUNK_BYTES);
  });

  test('of a small body is told once; of one that was guessed too small, what was thrown away as well', async () => {
    const told: InflateProgress[] = [];
    const options = { coding: 'gzip', outputBytesExpected: 0, bodyBytesMax: 64 * MIB };
    const onProgress = (progress: InflateProgress) => void told.push(progress);
    await inflate(zlib.gzipSync(Buffer.alloc(1000)), GUNZIP, { ...options, onProgress });
    expect(told).toEqual([{ inflated: 1000, held: 1000 }]);
    await inflate(zlib.gzipSync(Buffer.alloc(2 * MIB)), GUNZIP, { ...options, onProgress });
    expect(told.slice(1, 3)).toEqual([
      { inflated: MIB, held: 0 },
      { inflated: 0, held: 0 },
    ]);
  });

  test('what it throws is thrown, and little more than was allowed is inflated', async () => {
    const { streams, decoder } = watchedGunzip();
    const refusal = new GatewayError('rate_limited', 'enough');
    let inflatedMax = 0;
    const outcome = inflate(zeros, decoder, {
      ...{ coding: 'gzip', outputBytesExpected: 64 * MIB, bodyBytesMax: 64 * MIB },
      onProgress({ inflated }) {
        inflatedMax = inflated;
        if (inflated > 3 * MIB) throw refusal;
      },
    });
    await expect(outcome).rejects.toBe(refusal);
    expect(inflatedMax).toBeLessThanOrEqual(3 * MIB + CHUNK_BYTES);
    const [stream] = streams;
    expect(stream!.destroyed).toBe(true);
    // Zeros shrink evenly: what was read of the input tells how much of the output was made.
    expect(stream!.bytesWritten / zeros.length).toBeLessThan(5 / 64);
  });

  test('nothing is inflated where it throws before', async () => {
    const { calls, decoder } = watchedGunzip();
    const outcome = inflate(zeros, decoder, {
      ...{ coding: 'gzip', outputBytesExpected: 64 * MIB, bodyBytesMax: 64 * MIB },
      onProgress: () => {
        throw new GatewayError('bad_request', 'gone');
      },
    });
    await expect(outcome).rejects.toThrow('gone');
    expect(calls).toEqual([]);
  });

  test('no more than four large bodies grow at once, and all of them are inflated', async () => {
    let growing = 0;
    let growingMax = 0;
    const content = Buffer.alloc(2 * MIB);
    const body = zlib.gzipSync(content);
    const one = async () => {
      const options = { coding: 'gzip', outputBytesExpected: content.length, bodyBytesMax: 64 * MIB };
      const onProgress = ({ held }: InflateProgress) => {
        if (held === 0) growing += 1;
        growingMax = Math.max(growingMax, growing);
        if (held === content.length) growing -= 1;
      };
      return (await inflate(body, GUNZIP, { ...options, onProgress })).length;
    };
    expect(await Promise.all(Array.from({ length: 40 }, one))).toEqual(Array(40).fill(content.length));
    expect([growing, growingMax]).toEqual([0, 4]);
  });

  test('the stream is freed where bytes follow its end, too', async () => {
    const { streams, decoder } = watchedGunzip();
    const options = { coding: 'gzip', outputBytesExpected: 2 * MIB, bodyBytesMax: MIB };
    const body = Buffer.concat([zlib.gzipSync(Buffer.alloc(10)), Buffer.alloc(3)]);
    await expect(inflate(body, decoder, options)).rejects.toThrow('bytes after the end');
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([true]);
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
