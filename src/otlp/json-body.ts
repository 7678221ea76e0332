import { isUtf8 } from 'node:buffer';
import { JsonScanner } from './json-scanner';

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Where a sender that cannot set its spans' parent says it (the gateway's contract: trace context of a request). */
export const TRACE_CONTEXT_NAMES: readonly string[] = ['traceContext', 'trace_context'];
const TRACE_CONTEXT_BYTES_MAX = 4096;
/** Stands for a value that is no trace context. */
const TOO_LARGE = 'too large';

interface OpenBody {
  /** In front of the first value. */
  readonly scanner: JsonScanner;
  /** The body was not UTF-8: what could not be read of it is U+FFFD. */
  readonly replaced: boolean;
}

/** A body of JSON to be read, behind its byte order mark if it has one. */
export function openJson(body: Buffer): OpenBody {
  const valid = isUtf8(body);
  const scanner = new JsonScanner(valid ? body : Buffer.from(body.toString('utf8'), 'utf8'));
  if (scanner.bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) scanner.pos = 3;
  return { scanner, replaced: !valid };
}

/** The value of a member `traceContext`. Ours, not OTLP's: it holds two ids, so one that is large is none. */
export function readTraceContext(scanner: JsonScanner): unknown {
  const { pos, bytes } = scanner;
  scanner.skip();
  const text = bytes.subarray(pos, scanner.pos);
  return text.length > TRACE_CONTEXT_BYTES_MAX ? TOO_LARGE : JSON.parse(text.toString('utf8'));
}
