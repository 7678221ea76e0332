import type { Transform } from 'node:stream';
import { types } from 'node:util';
import { badRequest, GatewayError, tooLarge, unavailable } from '../errors';
import { createTurns } from './turns';

/** One decoder of node:zlib in two forms: in bulk, with `info: true` so that the bytes it consumed can be seen, and as a stream. */
export interface ZlibDecoder {
  sync: (body: Buffer, options: BulkOptions) => BulkResult;
  stream: (options: { chunkSize: number }) => Transform & { bytesWritten: number };
}

interface BulkOptions {
  info: true;
  chunkSize: number;
  maxOutputLength: number;
}

interface BulkResult {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

/** How far the work on one body is, in bytes. */
export interface InflateProgress {
  /** Of output, whether it was kept or not. */
  inflated: number;
  /** What is in memory because of it, or will be next. */
  held: number;
}

export interface InflateOptions {
  /** The name of the coding as the sender wrote it, for messages. */
  coding: string;
  /** A guess at the size of the output. A wrong guess costs time, never correctness: it may come from the body itself. */
  outputBytesExpected: number;
  /** The most the body may inflate to; enforced while inflating. */
  bodyBytesMax: number;
  /**
   * Called before large work begins, after every chunk of it (512 KiB), and when a small output is there. What it throws ends
   * the work, and is thrown on.
   */
  onProgress?: ((progress: InflateProgress) => void) | undefined;
}

/**
 * Up to this output the work is done on the spot: about 1 ms, where the way through the thread pool alone costs more than
 * 0.1 ms and half as much CPU again. Above it the event loop would be held up.
 */
export const SYNC_OUTPUT_BYTES_MAX = 1024 * 1024;

/** The most that is inflated without being told of. */
const STREAM_CHUNK_BYTES_MAX = 512 * 1024;

/**
 * Bodies of a hundred bytes become as large as the limit: without turns, hundreds of them would grow side by side. More at once
 * than the thread pool has threads would gain nothing.
 */
const LARGE_AT_ONCE = 4;

/** Of all work that may yield more than SYNC_OUTPUT_BYTES_MAX. Its progress is told of as soon as the turn has come. */
export const largeTurns = createTurns(LARGE_AT_ONCE);

/** Room beyond the expected size: a chunk that is filled to the brim makes zlib allocate a second one just as large. */
const CHUNK_SLACK_BYTES = 64;
const CHUNK_BYTES_MIN = 4096;

/**
 * Inflates a whole body: on the spot where it is small, else as a stream, when it is its turn. The result is at most `bodyBytesMax`
 * long and all of the body was used for it.
 *
 * @throws GatewayError bad_request for a body that is damaged, cut short or followed by something else; too_large; unavailable
 *   when there is no memory for it.
 */
export async function inflate(body: Buffer, decoder: ZlibDecoder, options: InflateOptions): Promise<Buffer> {
  if (Math.max(options.outputBytesExpected, body.length) <= SYNC_OUTPUT_BYTES_MAX) {
    const inflated = await translated(options, async () => inflateOnTheSpot(body, decoder, options));
    if (inflated !== undefined) return inflated;
  }
  return largeTurns.run(() => inflateStreamed(body, decoder, options));
}

/** Inflates a whole body chunk by chunk, whatever its size: for who has a turn. Throws as `inflate` does. */
export function inflateStreamed(body: Buffer, decoder: ZlibDecoder, options: InflateOptions): Promise<Buffer> {
  const { bodyBytesMax, coding, onProgress } = options;
  return translated(options, async () => {
    onProgress?.({ inflated: 0, held: 0 });
    const stream = decoder.stream({ chunkSize: chunkSizeFor(options, STREAM_CHUNK_BYTES_MAX) });
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.end(body);
    // Leaving the loop destroys the stream: nothing more is inflated for who is refused.
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) throw decodedTooLarge(bodyBytesMax);
      onProgress?.({ inflated: bytes, held: bytes });
      chunks.push(chunk);
    }
    requireAllUsed(body, { bytesUsed: stream.bytesWritten, coding });
    return Buffer.concat(chunks, bytes);
  });
}

/** The same words for every coding, whoever finds out. */
export const decodedTooLarge = (bodyBytesMax: number) => tooLarge('body after decompression', bodyBytesMax);

/** Undefined where the body inflates to more than is done on the spot. */
function inflateOnTheSpot(body: Buffer, decoder: ZlibDecoder, options: InflateOptions): Buffer | undefined {
  const { bodyBytesMax, coding, onProgress } = options;
  // zlib refuses a maximum of 0, so the length is compared again.
  const maxOutputLength = Math.max(1, Math.min(bodyBytesMax, SYNC_OUTPUT_BYTES_MAX));
  try {
    const chunkSize = chunkSizeFor(options, SYNC_OUTPUT_BYTES_MAX);
    const { buffer, engine } = decoder.sync(body, { info: true, chunkSize, maxOutputLength });
    onProgress?.({ inflated: buffer.length, held: buffer.length });
    if (buffer.length > bodyBytesMax) throw decodedTooLarge(bodyBytesMax);
    requireAllUsed(body, { bytesUsed: engine.bytesWritten, coding });
    return buffer;
  } catch (error) {
    if (errorCode(error) !== 'ERR_BUFFER_TOO_LARGE') throw error;
    // It was work, though nothing is left of it.
    onProgress?.({ inflated: maxOutputLength, held: 0 });
    if (bodyBytesMax <= SYNC_OUTPUT_BYTES_MAX) throw error;
    return undefined;
  }
}

const chunkSizeFor = ({ outputBytesExpected, bodyBytesMax }: InflateOptions, bytesMax: number) =>
  Math.max(CHUNK_BYTES_MIN, Math.min(outputBytesExpected, bodyBytesMax, bytesMax) + CHUNK_SLACK_BYTES);

/**
 * zlib ignores what follows the end of the stream, in silence (after gzip: what follows a zero byte). A second stream there would be
 * lost and the sender told 200.
 */
function requireAllUsed(body: Buffer, { bytesUsed, coding }: { bytesUsed: number; coding: string }): void {
  if (bytesUsed < body.length) throw badRequest(`${coding}: bytes after the end of the compressed data`);
}

async function translated<T>(options: InflateOptions, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translateError(error, options);
  }
}

/** What zlib throws holds fixed phrases only, never bytes of the body, so it may be told to the sender. */
function translateError(
  error: unknown,
  { coding, bodyBytesMax }: { coding: string; bodyBytesMax: number },
): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = errorCode(error);
  if (code === 'ERR_BUFFER_TOO_LARGE') return decodedTooLarge(bodyBytesMax);
  if (isOutOfMemory(error)) return unavailable(`${coding}: out of memory`, 1, error);
  return badRequest(`${coding}: ${types.isNativeError(error) ? error.message : 'invalid data'}`, { cause: error });
}

/** The sender's bytes may be good: it shall try again. A RangeError without a code is V8's "Array buffer allocation failed". */
function isOutOfMemory(error: unknown): boolean {
  const code = errorCode(error);
  const isAllocation = types.isNativeError(error) && error.name === 'RangeError' && code === '';
  return isAllocation || /^(Z_MEM_ERROR|ZSTD_error_memory_allocation|ERR__ERROR_ALLOC.*)$/.test(code);
}

/** Not `instanceof Error`, which is false for Node's errors where a module runs in a realm of its own, as under Jest. */
function errorCode(error: unknown): string {
  const code = types.isNativeError(error) && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}
