import { setImmediate as nextTurn } from 'node:timers/promises';
import vm from 'node:vm';
import { Decompress } from 'fzstd';
import { badRequest, GatewayError, unavailable } from '../errors';
import { decodedTooLarge, errorCode } from './inflate';
import type { ZstdFrame } from './zstd-frames';

/** What is handed to the decoder between two turns of the event loop, a few milliseconds of work: whichever is less. */
const SLICE_BYTES_MAX = 64 * 1024;
const SLICE_OUTPUT_BYTES_MAX = 1024 * 1024;

/**
 * What decoding may cost, by the clock: several times what it takes on a slow machine (about 3 ms per MB on a usual one). fzstd
 * does not check what it reads: in a block of 19 bytes it can be told to copy 12 GB, which takes it more than a minute.
 */
const BUDGET_MS = 250;
const BUDGET_MS_PER_OUTPUT_MB = 25;

/**
 * Decodes one frame with fzstd, in JavaScript, for a Node without zstd. fzstd is lenient: it does not verify the frame's checksum, nor
 * that what it reads lies inside the block and the window. Bytes that were damaged on their way can come out as other bytes here, where
 * Node's decoder reports an error.
 *
 * @throws GatewayError bad_request for what cannot be decoded, too_large, unavailable (so that a sender on an overloaded machine
 *   tries again) for a frame that takes longer than its budget.
 */
export async function decodeFramePortably(
  body: Buffer,
  frame: ZstdFrame,
  { bodyBytesMax }: { bodyBytesMax: number },
): Promise<Buffer> {
  const output = Buffer.allocUnsafe(Math.min(frame.outputBytesMax, bodyBytesMax));
  let length = 0;
  const decoder = new Decompress((block) => {
    if (length + block.length > bodyBytesMax) throw decodedTooLarge(bodyBytesMax);
    output.set(block, length);
    length += block.length;
  });
  decoder.push(plainHeader(frame));
  const sliceBytes = chooseSliceBytes(frame);
  let spentMs = 0;
  for (let start = frame.blocksStart; start < frame.blocksEnd; start += sliceBytes) {
    if (start > frame.blocksStart) await nextTurn();
    const end = Math.min(start + sliceBytes, frame.blocksEnd);
    const budgetMs = BUDGET_MS + (BUDGET_MS_PER_OUTPUT_MB * length) / 1e6;
    spentMs += runWithin(budgetMs - spentMs, () => decoder.push(body.subarray(start, end), end === frame.blocksEnd));
  }
  // A result that fills little of its buffer must not keep all of it alive.
  return length < output.length / 2 ? Buffer.from(output.subarray(0, length)) : output.subarray(0, length);
}

/** With blocks that can hold far more than they take, as in a bomb, a slice is only a few blocks. */
function chooseSliceBytes(frame: ZstdFrame): number {
  const ratioMax = frame.outputBytesMax / (frame.blocksEnd - frame.blocksStart);
  return Math.max(1, Math.floor(Math.min(SLICE_BYTES_MAX, SLICE_OUTPUT_BYTES_MAX / ratioMax)));
}

/**
 * A header that says nothing but the window: fzstd moves its whole window after every block, and reads sizes of eight bytes
 * wrongly, so it gets the smallest window that holds all of the frame's output, no size, and no checksum it would skip anyway.
 */
function plainHeader(frame: ZstdFrame): Uint8Array {
  const neededBytes = Math.min(frame.windowBytes, Math.max(frame.outputBytesMax, 128 * 1024));
  const exponent = Math.max(10, Math.ceil(Math.log2(Math.max(1, neededBytes))));
  return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, (exponent - 10) << 3);
}

/** Runs a step of the decoder and returns the milliseconds it took. Node can end JavaScript that runs under a vm script. */
function runWithin(timeoutMs: number, step: () => void): number {
  const startedMs = performance.now();
  guard ??= { context: vm.createContext({}), script: new vm.Script('step()') };
  guard.context.step = step;
  try {
    guard.script.runInContext(guard.context, { timeout: Math.max(1, Math.ceil(timeoutMs)) });
  } catch (error) {
    throw translateError(error);
  } finally {
    // Left there, the step would keep its body alive until the next one.
    guard.context.step = undefined;
  }
  return performance.now() - startedMs;
}

let guard: { context: vm.Context; script: vm.Script } | undefined;

function translateError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (errorCode(error) === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
    return unavailable('zstd: decoding takes too long', 1, error);
  return badRequest('zstd: invalid data', { cause: error });
}
