/** The two encodings of OTLP/HTTP. */
export type Format = 'protobuf' | 'json';

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
  let start = body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  let end = body.length - 1;
  while (isWhiteSpace(body[start])) start++;
  while (isWhiteSpace(body[end])) end--;
  const isJson = body[start] === OPEN_BRACE;
  // The first byte of a protobuf request is a line feed, too, with which JSON may begin.
  if (body[0] === FIRST_PROTOBUF_BYTE && !(isJson && body[end] === CLOSE_BRACE)) return 'protobuf';
  return isJson ? 'json' : undefined;
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const isWhiteSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
