/** The two encodings of OTLP/HTTP. */
export type Format = 'protobuf' | 'json';

/** What bodies are: OTLP in either encoding, or a list of flattened ReadableSpans, which is JSON too. */
export type BodyFormat = Format | 'transparent';

/** What answers carry, bare: the Go exporter and the Collector compare the text exactly. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

const KNOWN_TYPES = new Map<string, Format | 'sniff'>([
  ['application/json', 'json'],
  ['application/x-protobuf', 'protobuf'],
  ['application/protobuf', 'protobuf'],
  ['application/vnd.google.protobuf', 'protobuf'],
  // What navigator.sendBeacon sends for a string, and what it sends for a Blob without a type.
  ['text/plain', 'sniff'],
  ['', 'sniff'],
]);

/** By the Content-Type header: the format, `sniff` where the body has to tell, `undefined` where it is none of ours. */
export function formatOf(contentType: string | undefined): Format | 'sniff' | undefined {
  const [mediaType = ''] = (contentType ?? '').split(';');
  return KNOWN_TYPES.get(mediaType.trim().toLowerCase());
}

/** ResourceSpans, the only field of a request, as every protobuf request with content begins. */
const FIRST_PROTOBUF_BYTE = 0x0a;

/** By the body itself: JSON requests are one object, protobuf requests begin with their only field. */
export function sniff(body: Buffer): Format | undefined {
  const isJson = body[jsonStart(body)] === OPEN_BRACE;
  let end = body.length - 1;
  while (isWhiteSpace(body[end])) end--;
  // The first byte of a protobuf request is a line feed, too, with which JSON may begin.
  if (body[0] === FIRST_PROTOBUF_BYTE && !(isJson && body[end] === CLOSE_BRACE)) return 'protobuf';
  return isJson ? 'json' : undefined;
}

/** Whether a body begins as a JSON object or list does. */
export function isJsonStart(body: Buffer): boolean {
  const byte = body[jsonStart(body)];
  return byte === OPEN_BRACE || byte === OPEN_BRACKET;
}

/** Behind a byte order mark and white space. */
function jsonStart(body: Buffer): number {
  let start = body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  while (isWhiteSpace(body[start])) start++;
  return start;
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;

const isWhiteSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
