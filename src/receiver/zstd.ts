import { setImmediate as nextRound } from 'node:timers/promises';
import zlib from 'node:zlib';
import { badRequest } from '../errors';
import {
  decodedTooLarge,
  type InflateOptions,
  inflate,
  inflateStreamed,
  largeTurns,
  SYNC_OUTPUT_BYTES_MAX,
  type ZlibDecoder,
} from './inflate';
import { createTurns } from './turns';
import { readZstdFrames, type ZstdFrame } from './zstd-frames';
import { decodeFrameByWasm, wasmCapacity } from './zstd-wasm';

type ZstdOptions = Omit<InflateOptions, 'outputBytesExpected'>;

/**
 * Decodes a zstd body (RFC 8878): any number of frames, skippable ones between them. Node has zstd of its own from 22.15; before,
 * libzstd in WebAssembly does it. Either is given one frame at a time (readZstdFrames says why). What may become large waits for its
 * turn, once for all frames.
 *
 * @throws GatewayError bad_request, too_large, unavailable, and what `onProgress` throws.
 */
export async function decodeZstd(body: Buffer, options: ZstdOptions): Promise<Buffer> {
  const frames = readZstdFrames(body, options);
  const outputBytesMax = frames.reduce((sum, frame) => sum + expectOutput(frame), 0);
  const isLarge = Math.max(outputBytesMax, body.length) > SYNC_OUTPUT_BYTES_MAX;
  const decodeFrame = chooseDecoder(isLarge);
  const decode = () => decodeFrames(body, { frames, decodeFrame, options });
  if (!isLarge) return decode();
  return NODE_ZSTD === undefined ? wasmTurns.run(() => largeTurns.run(decode)) : largeTurns.run(decode);
}

interface Work {
  frames: readonly ZstdFrame[];
  decodeFrame: DecodeFrame;
  options: ZstdOptions;
}

async function decodeFrames(body: Buffer, { frames, decodeFrame, options }: Work): Promise<Buffer> {
  const { bodyBytesMax, onProgress } = options;
  const parts: Buffer[] = [];
  let bytes = 0;
  const ofFrame: ZstdOptions = {
    ...options,
    onProgress: ({ inflated, held }) => onProgress?.({ inflated: bytes + inflated, held: bytes + held }),
  };
  for (const frame of frames) {
    const part = await decodeFrame(body, frame, ofFrame);
    bytes += part.length;
    if (bytes > bodyBytesMax) throw decodedTooLarge(bodyBytesMax);
    if (frame.contentBytes !== undefined && frame.contentBytes !== part.length) {
      throw badRequest('zstd: content of another size than the frame declares');
    }
    parts.push(part);
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes);
}

type DecodeFrame = (body: Buffer, frame: ZstdFrame, options: ZstdOptions) => Promise<Buffer>;

function chooseDecoder(isLarge: boolean): DecodeFrame {
  if (NODE_ZSTD !== undefined) return decodeByNode(NODE_ZSTD, isLarge ? inflateStreamed : inflate);
  return isLarge ? decodeLargeByWasm : decodeByWasm;
}

const expectOutput = ({ contentBytes, outputBytesMax }: ZstdFrame) => contentBytes ?? outputBytesMax;

const decodeByNode =
  (decoder: ZlibDecoder, run: typeof inflate): DecodeFrame =>
  (body, frame, options) =>
    run(body.subarray(frame.start, frame.end), decoder, { ...options, outputBytesExpected: expectOutput(frame) });

/** How far it is cannot be seen, so room is made for all that the frame may become. */
const decodeByWasm: DecodeFrame = async (body, frame, options) => {
  const { bodyBytesMax, onProgress } = options;
  const capacity = wasmCapacity(frame, bodyBytesMax);
  onProgress?.({ inflated: 0, held: capacity });
  const part = await decodeFrameByWasm(body, frame, options).catch((error: unknown) => {
    // Nor can be seen where it failed: it may have been the last byte.
    onProgress?.({ inflated: capacity, held: 0 });
    throw error;
  });
  onProgress?.({ inflated: part.length, held: part.length });
  return part;
};

/** It holds up the event loop, so others are heard between one frame and the next, and between one body and the next. */
const decodeLargeByWasm: DecodeFrame = async (body, frame, options) => {
  const part = await decodeByWasm(body, frame, options);
  await nextRound();
  return part;
};
const wasmTurns = createTurns(1);

const NODE_ZSTD = findNodeZstd();

/** The declared types are those of Node 20, which has none of it. */
function findNodeZstd(): ZlibDecoder | undefined {
  const { zstdDecompressSync: sync, createZstdDecompress: stream } = zlib as unknown as Record<string, unknown>;
  return sync === undefined ? undefined : ({ sync, stream } as ZlibDecoder);
}
