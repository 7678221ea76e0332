import { GatewayError } from '../../src/errors';
import type { InflateProgress } from '../../src/receiver/inflate';
import { decodeZstd } from '../../src/receiver/zstd';
import { LONG_TEXT, SHORT_TEXT, sampleText, skippableFrame, zstdFixture, zstdFrame } from '../support/zstd-samples';

const LIMIT = 1024 * 1024;
const decode = (body: Buffer, bodyBytesMax = LIMIT) => decodeZstd(body, { coding: 'zstd', bodyBytesMax });
const SHORT = zstdFixture('one-shot.zst');
const LONG = zstdFixture('go-stream.zst');

/** Whichever decoder this Node has: these are the inputs that Node's versions read differently when left alone. */
describe('the same on every Node', () => {
  test.each<[string, Buffer, Buffer]>([
    ['one frame', SHORT, SHORT_TEXT],
    ['with a checksum', zstdFixture('checksum.zst'), SHORT_TEXT],
    ['level 19', zstdFixture('level-19.zst'), LONG_TEXT],
    ['a stream with flushed blocks', zstdFixture('stream.zst'), LONG_TEXT],
    ["a stream of the Collector's encoder", LONG, LONG_TEXT],
    ['two frames', Buffer.concat([SHORT, LONG]), Buffer.concat([SHORT_TEXT, LONG_TEXT])],
    ['a skippable frame first', Buffer.concat([skippableFrame(LONG), SHORT]), SHORT_TEXT],
    [
      'a skippable frame between',
      Buffer.concat([SHORT, skippableFrame(LONG), SHORT]),
      Buffer.concat([SHORT_TEXT, SHORT_TEXT]),
    ],
    [
      'a frame without content first',
      Buffer.concat([zstdFrame({ blocks: [{ raw: Buffer.alloc(0) }] }), SHORT]),
      SHORT_TEXT,
    ],
  ])('%s', async (_name, body, expected) => {
    expect((await decode(body)).equals(expected)).toBe(true);
  });

  const raw = sampleText(3);
  const wrongChecksum = zstdFixture('checksum.zst');
  wrongChecksum[wrongChecksum.length - 1]! ^= 1;
  const declared = (contentBytes: number) => zstdFrame({ blocks: [{ raw }], contentBytes, contentLength: 4 });
  test.each<[string, Buffer]>([
    ['the first frame cut', SHORT.subarray(0, -1)],
    ['the second frame cut', Buffer.concat([SHORT, LONG.subarray(0, -5)])],
    ['junk after the frame', Buffer.concat([SHORT, Buffer.from('junk')])],
    ['an empty body', Buffer.alloc(0)],
    ['less content than declared', declared(raw.length + 1)],
    ['more content than declared', declared(raw.length - 1)],
    ['a wrong checksum', wrongChecksum],
    ['a window of 2^30', zstdFixture('window-2-30.zst')],
    ['sequences without bits', zstdFrame({ blocks: [{ type: 2, content: Buffer.from('08410100', 'hex') }] })],
  ])('refused: %s', async (_name, body) => {
    await expect(decode(body)).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(/^zstd: /),
    });
  });

  test('progress: of all frames together, held before it is there, charged as it is', async () => {
    const told: InflateProgress[] = [];
    const onProgress = (progress: InflateProgress) => void told.push(progress);
    const body = Buffer.concat([LONG, LONG, LONG]);
    await decodeZstd(body, { coding: 'zstd', bodyBytesMax: 2 * LIMIT, onProgress });
    const length = 3 * LONG_TEXT.length;
    expect(told.at(-1)).toEqual({ inflated: length, held: length });
    expect(told.map(({ inflated }) => inflated)).toEqual(told.map(({ inflated }) => inflated).sort((a, b) => a - b));
    expect(told.filter(({ inflated, held }) => held < inflated)).toEqual([]);
    expect(new Set(told.map(({ inflated }) => inflated)).size).toBeGreaterThan(2);
  });

  test.each([2, 20])('what progress throws ends the work: %i frames', async (frames) => {
    let heldMax = 0;
    const body = Buffer.concat(Array.from({ length: frames }, () => LONG));
    const outcome = decodeZstd(body, {
      ...{ coding: 'zstd', bodyBytesMax: 64 * LIMIT },
      onProgress({ held }) {
        heldMax = held;
        if (held > LONG_TEXT.length) throw new GatewayError('unavailable', 'full');
      },
    });
    await expect(outcome).rejects.toThrow('full');
    expect(heldMax).toBeLessThan(3 * LONG_TEXT.length);
  });

  test('the limit holds for all frames together', async () => {
    const body = Buffer.concat([LONG, LONG]);
    expect(await decode(body, 2 * LONG_TEXT.length)).toHaveLength(2 * LONG_TEXT.length);
    await expect(decode(body, 2 * LONG_TEXT.length - 1)).rejects.toMatchObject({ code: 'too_large' });
  });
});
