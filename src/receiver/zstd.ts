import zlib from 'node:zlib';
import { badRequest } from '../errors';
import { type BulkDecoder, decodedTooLarge, inflate } from './inflate';
import { readZstdFrames, type ZstdFrame } from './zstd-frames';
import { decodeFrameByWasm } from './zstd-wasm';

/**
 * Decodes a zstd body (RFC 8878): any number of frames, skippable ones between them. Node has zstd of its own from 22.15; before,
 * libzstd in WebAssembly does it. Either is given one frame at a time (readZstdFrames says why).
 *
 * @throws GatewayError bad_request, too_large, unavailable.
 */
export async function decodeZstd(body: Buffer, options: { coding: string; bodyBytesMax: number }): Promise<Buffer> {
  const { bodyBytesMax } = options;
  const decodeFrame = NODE_ZSTD === undefined ? decodeFrameByWasm : decodeFrameByNode(NODE_ZSTD);
  const parts: Buffer[] = [];
  let bytes = 0;
  for (const frame of readZstdFrames(body, { bodyBytesMax })) {
    const part = await decodeFrame(body, frame, options);
    bytes += part.length;
    if (bytes > bodyBytesMax) throw decodedTooLarge(bodyBytesMax);
    if (frame.contentBytes !== undefined && frame.contentBytes !== part.length) {
      throw badRequest('zstd: content of another size than the frame declares');
    }
    parts.push(part);
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes);
}

type DecodeFrame = (
  body: Buffer,
  frame: ZstdFrame,
  options: { coding: string; bodyBytesMax: number },
) => Promise<Buffer>;

const decodeFrameByNode =
  (decoder: BulkDecoder): DecodeFrame =>
  (body, frame, options) =>
    inflate(body.subarray(frame.start, frame.end), decoder, {
      ...options,
      outputBytesExpected: frame.contentBytes ?? frame.outputBytesMax,
    });

const NODE_ZSTD = findNodeZstd();

/** The declared types are those of Node 20, which has none of it. */
function findNodeZstd(): BulkDecoder | undefined {
  const { zstdDecompressSync: sync, zstdDecompress: async } = zlib as unknown as Record<string, unknown>;
  return sync === undefined ? undefined : ({ sync, async } as BulkDecoder);
}
