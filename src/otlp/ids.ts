import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';

/** Bytes of a trace id and of a span id (W3C Trace Context; opentelemetry-proto trace.proto). */
export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;

const HEX = /^[0-9a-fA-F]*$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The forms in which an id may come as text, beside what OTLP asks for, which is hex. */
export type IdForm = 'hex' | 'base64' | 'uuid';

export interface ReadId {
  readonly bytes: Buffer;
  readonly form: IdForm;
}

/**
 * The one reading of an id that came as text: hex of either case; a UUID with dashes; or base64 or base64url of as many
 * bytes, as generic protobuf JSON printers write them, provided that writing it again gives the same text (`checkout-v2`
 * would decode to 8 bytes, and is no id). `undefined` when it is none of these.
 */
export function readId(text: string, length: number): ReadId | undefined {
  if (text.length === length * 2 && HEX.test(text)) return { bytes: Buffer.from(text, 'hex'), form: 'hex' };
  if (length === TRACE_ID_BYTES && UUID.test(text)) {
    return { bytes: Buffer.from(text.replaceAll('-', ''), 'hex'), form: 'uuid' };
  }
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== length) return undefined;
  const standard = bytes.toString('base64');
  const url = bytes.toString('base64url');
  const forms = [standard, standard.replace(/=+$/, ''), url, url.padEnd(standard.length, '=')];
  return forms.includes(text) ? { bytes, form: 'base64' } : undefined;
}

/** The id that stands for any other text, or its UTF-8: the first bytes of its SHA-256, the same wherever it is sent. */
export function deriveId(text: string | Buffer, length: number): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, length);
}

/** An id field of another length as it may be shown: what it says if it is text, else hex. */
export function idText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return isUtf8(bytes) && !/\p{Cc}/u.test(text) ? text : bytes.toString('hex');
}

/** What a span's ids said before they were derived or left out. */
export interface OriginalIds {
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
  /** Links with an id that could not be read: whole, each as JSON. */
  links?: string[];
}
