import { types } from 'node:util';
import { badRequest, GatewayError, tooLarge, unavailable } from '../errors';

/** One decoder of node:zlib in its two bulk forms, both called with `info: true` so that the bytes it consumed can be seen. */
export interface BulkDecoder {
  sync: (body: Buffer, options: BulkOptions) => BulkResult;
  async: (body: Buffer, options: BulkOptions, done: (error: Error | null, result: BulkResult) => void) => void;
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

export interface InflateOptions {
  /** The name of the coding as the sender wrote it, for messages. */
  coding: string;
  /** A guess at the size of the output. A wrong guess costs time, never correctness: it may come from the body itself. */
  outputBytesExpected: number;
  /** The most the body may inflate to; enforced while inflating. */
  bodyBytesMax: number;
}

/**
 * Up to this output the work is done on the spot: about 1 ms, where the way through the thread pool alone costs more than
 * 0.1 ms and half as much CPU again. Above it the event loop would be held up.
 */
const SYNC_OUTPUT_BYTES_MAX = 1024 * 1024;

/** Room beyond the expected size: a chunk that is filled to the brim makes zlib allocate a second one just as large. */
const CHUNK_SLACK_BYTES = 64;
const CHUNK_BYTES_MIN = 4096;

/**
 * Inflates a whole body in bulk, which is several times cheaper than a stream. The result is at most `bodyBytesMax` long
 * and all of the body was used for it.
 *
 * @throws GatewayError bad_request for a body that is damaged, cut short or followed by something else; too_large; unavailable
 *   when there is no memory for it.
 */
export async function inflate(body: Buffer, decoder: BulkDecoder, options: InflateOptions): Promise<Buffer> {
  const { bodyBytesMax, coding } = options;
  try {
    const result = await runDecoder(body, decoder, options);
    if (result.buffer.length > bodyBytesMax) throw decodedTooLarge(bodyBytesMax);
    requireAllUsed(body, { bytesUsed: result.engine.bytesWritten, coding });
    return result.buffer;
  } catch (error) {
    throw translateError(error, { coding, bodyBytesMax });
  }
}

/** The same words for every coding, whoever finds out. */
export const decodedTooLarge = (bodyBytesMax: number) => tooLarge('body after decompression', bodyBytesMax);

async function runDecoder(body: Buffer, decoder: BulkDecoder, options: InflateOptions): Promise<BulkResult> {
  const { bodyBytesMax, outputBytesExpected } = options;
  const chunkSize = Math.max(CHUNK_BYTES_MIN, Math.min(outputBytesExpected, bodyBytesMax) + CHUNK_SLACK_BYTES);
  // zlib refuses a maximum of 0; inflate() compares the length again.
  const maxOutputLength = Math.max(1, bodyBytesMax);
  if (Math.max(outputBytesExpected, body.length) <= SYNC_OUTPUT_BYTES_MAX) {
    try {
      const syncOutputMax = Math.min(maxOutputLength, SYNC_OUTPUT_BYTES_MAX);
      return decoder.sync(body, { info: true, chunkSize, maxOutputLength: syncOutputMax });
    } catch (error) {
      const wasWrongGuess = errorCode(error) === 'ERR_BUFFER_TOO_LARGE' && maxOutputLength > SYNC_OUTPUT_BYTES_MAX;
      if (!wasWrongGuess) throw error;
    }
  }
  const bulkOptions: BulkOptions = {
    info: true,
    chunkSize: Math.max(chunkSize, 16 * CHUNK_BYTES_MIN),
    maxOutputLength,
  };
  return new Promise((resolve, reject) => {
    decoder.async(body, bulkOptions, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

/**
 * zlib ignores what follows the end of the stream, in silence (after gzip: what follows a zero byte). A second stream there would be
 * lost and the sender told 200.
 */
function requireAllUsed(body: Buffer, { bytesUsed, coding }: { bytesUsed: number; coding: string }): void {
  if (bytesUsed < body.length) throw badRequest(`${coding}: bytes after the end of the compressed data`);
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
