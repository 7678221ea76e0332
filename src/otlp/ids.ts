/** Bytes of a trace id and of a span id (W3C Trace Context; opentelemetry-proto trace.proto). */
export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;

const HEX = /^[0-9a-fA-F]*$/;

export interface ReadId {
  bytes: Buffer;
  /** It was not hex but base64 or base64url, as a generic protobuf JSON printer writes bytes. */
  base64: boolean;
}

/**
 * The one reading of an id that came as text: hex of either case, or base64 of as many bytes, provided that writing it
 * again gives the same text (`checkout-v2` would decode to 8 bytes, and is no id). `undefined` when it is neither.
 */
export function readId(text: string, length: number): ReadId | undefined {
  if (text.length === length * 2 && HEX.test(text)) return { bytes: Buffer.from(text, 'hex'), base64: false };
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== length) return undefined;
  const standard = bytes.toString('base64');
  const url = bytes.toString('base64url');
  const forms = [standard, standard.replace(/=+$/, ''), url, url.padEnd(standard.length, '=')];
  return forms.includes(text) ? { bytes, base64: true } : undefined;
}
