import { badRequest } from '../errors';
import { decodedTooLarge } from './inflate';
import type { ZstdFrame } from './zstd-frames';

/**
 * Decodes one frame with libzstd compiled to WebAssembly (zstddec), for a Node without zstd. It works on the event loop, and the memory
 * it takes, at most that of a body and what it may decode to, stays with the process.
 *
 * Not fzstd, which does not check what it reads: a frame of 19 bytes made it copy for more than a minute, and damaged bytes came out as
 * other bytes without an error.
 *
 * @throws GatewayError bad_request for what cannot be decoded, too_large.
 */
export async function decodeFrameByWasm(
  body: Buffer,
  frame: ZstdFrame,
  { bodyBytesMax }: { bodyBytesMax: number },
): Promise<Buffer> {
  const decoder = await loadDecoder();
  const capacity = wasmCapacity(frame, bodyBytesMax);
  const output = runDecoder(decoder, body.subarray(frame.start, frame.end), capacity);
  // An error of libzstd's, full output included, comes back from zstddec as no bytes.
  if (output.length === 0 && frame.outputBytesMax > 0) {
    throw (frame.contentBytes ?? frame.outputBytesMax) > capacity ? decodedTooLarge(bodyBytesMax) : invalidData();
  }
  if (output.length > bodyBytesMax) throw decodedTooLarge(bodyBytesMax);
  return Buffer.from(output.buffer, output.byteOffset, output.length);
}

/** The room in bytes that a frame is decoded in. */
export const wasmCapacity = ({ contentBytes, outputBytesMax }: ZstdFrame, bodyBytesMax: number): number =>
  Math.min(contentBytes ?? outputBytesMax, bodyBytesMax + CAPACITY_SLACK_BYTES);

/**
 * Room for one more block than the limit has, so that a frame just above the limit is decoded and seen to be. Only of a frame whose blocks
 * could hold even more is it not known whether it is too large or damaged; it counts as too large.
 */
const CAPACITY_SLACK_BYTES = 128 * 1024;

interface Decoder {
  decode(body: Uint8Array, capacity: number): Uint8Array;
}

/** Loaded at the first body that needs it. */
async function loadDecoder(): Promise<Decoder> {
  const { ZSTDDecoder } = await import('zstddec');
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return decoder;
}

function runDecoder(decoder: Decoder, frame: Buffer, capacity: number): Uint8Array {
  try {
    // zstddec takes a capacity of 0 as unknown.
    return decoder.decode(frame, Math.max(1, capacity));
  } catch (error) {
    throw invalidData(error);
  }
}

const invalidData = (cause?: unknown) => badRequest('zstd: invalid data', { cause });
