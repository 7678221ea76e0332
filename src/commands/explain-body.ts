import type { Readable } from 'node:stream';
import { badRequest, GatewayError, tooLarge } from '../errors';
import { FIXED64, LEN } from '../otlp/schema';
import { WireCursor } from '../otlp/wire-cursor';
import { decodeBody } from '../receiver/codings';
import { type BodyFormat, isJsonStart, sniff } from '../receiver/format';

export interface ReadableBody {
  readonly format: BodyFormat;
  /** Not compressed any more. */
  readonly bytes: Buffer;
}

/**
 * A request's body as a client sends it, and what it is: no headers say it, so the bytes have to.
 *
 * @throws GatewayError for a body that is too large, cannot be inflated, or is no OTLP request at all. What the stream
 *   itself fails of is thrown as it is.
 */
export async function readBody(stream: Readable, bodyBytesMax: number): Promise<ReadableBody> {
  const body = await readAll(stream, bodyBytesMax);
  const bytes = await decodeBody(body, { contentEncoding: codingOf(body), bodyBytesMax });
  const format = isTransparent(bytes) ? 'transparent' : sniff(bytes);
  if (format === undefined) throw badRequest(`this is no OTLP request: ${appearance(bytes)}`);
  return { format, bytes };
}

/** A list of flattened ReadableSpans, or an object that holds one, as they are sent to /otel-ingest. */
function isTransparent(bytes: Buffer): boolean {
  return isJsonStart(bytes) && (sniff(bytes) !== 'json' || membersOf(bytes).includes('spans'));
}

async function readAll(stream: Readable, bodyBytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw tooLarge('the request body', bodyBytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What compressed bodies begin with; neither JSON nor a protobuf request does. Brotli has no such mark. */
const CODING_MARKS: readonly (readonly [coding: string, mark: Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['deflate', Buffer.from([0x78, 0x01])],
  ['deflate', Buffer.from([0x78, 0x5e])],
  ['deflate', Buffer.from([0x78, 0x9c])],
  ['deflate', Buffer.from([0x78, 0xda])],
];

const codingOf = (body: Buffer): string | undefined =>
  CODING_MARKS.find(([, mark]) => body.subarray(0, mark.length).equals(mark))?.[0];

/** Read in turn; what is matched are the first bytes as Latin-1, without white space. */
const APPEARANCES: readonly (readonly [pattern: RegExp, text: string])[] = [
  [/^$/, 'it is empty, as is what an exporter sends that has no spans'],
  [/^</, 'it looks like HTML or XML'],
  [
    /^(POST|PUT|GET) \S+ HTTP\/|^HTTP\//,
    'it looks like an HTTP message with its headers; what is wanted is its body alone, behind the first empty line',
  ],
];

/** Whether the message is compressed, and its length. */
const GRPC_HEAD_BYTES = 5;

const NEITHER =
  'it is neither JSON nor protobuf, nor either of them compressed by gzip, zlib or zstd (one compressed by brotli cannot be told by its first bytes: decompress it first)';

/** What a body that is neither JSON nor protobuf looks like. */
function appearance(bytes: Buffer): string {
  const isFrame = bytes.length > GRPC_HEAD_BYTES && bytes.readUInt32BE(1) === bytes.length - GRPC_HEAD_BYTES;
  if (isFrame && bytes[0]! <= 1)
    return 'it looks like a gRPC message; what is wanted is what follows its first five bytes';
  const text = bytes.toString('latin1', 0, 1024).trimStart();
  const known = APPEARANCES.find(([pattern]) => pattern.test(text));
  return known?.[1] ?? NEITHER;
}

/** The error for a body of which no span can be accepted, where it is clear that it holds something else. */
export function foreignRequest({ format, bytes }: ReadableBody): GatewayError | undefined {
  const signal = format === 'protobuf' ? protobufSignal(bytes) : jsonSignal(bytes);
  return signal === undefined
    ? undefined
    : badRequest(
        `this is no request with spans: it looks like ${signal}; what is wanted is what is sent to /v1/traces`,
      );
}

const JSON_SIGNALS: Readonly<Record<string, string>> = {
  resourceLogs: 'OTLP logs',
  resourceMetrics: 'OTLP metrics',
  resourceProfiles: 'OTLP profiles',
  batch: 'a batch for the ingestion API of Langfuse',
  error: 'an error that a server answered',
  partialSuccess: 'the answer to an OTLP request',
};

function jsonSignal(bytes: Buffer): string | undefined {
  const known = membersOf(bytes).find((name) => Object.hasOwn(JSON_SIGNALS, name));
  return known && JSON_SIGNALS[known];
}

/** Names of a JSON object on its top level; none of anything else. `resource_logs` is another spelling of the same name. */
function membersOf(bytes: Buffer): string[] {
  try {
    const members = Object.keys(JSON.parse(bytes.toString()) as object);
    return members.map((name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
  } catch {
    return [];
  }
}

/** Requests of all signals are built alike: resources, in them scopes, in them records, under the numbers 1, 2 and 2. */
function protobufSignal(bytes: Buffer): string | undefined {
  try {
    const cursor = new WireCursor(bytes);
    let end = bytes.length;
    for (const number of [1, 2, 2]) {
      end = enter(cursor, number, end);
      if (end === -1) return undefined;
    }
    return signalOf(bytes, fieldsOf(cursor, end));
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/** The end of the first such submessage, or -1; the cursor is then at its beginning. */
function enter(cursor: WireCursor, number: number, end: number): number {
  while (cursor.pos < end) {
    const tag = cursor.tag(end);
    if (tag === ((number << 3) | LEN)) return cursor.len(end);
    cursor.skip(tag & 7, tag >>> 3, end);
  }
  return -1;
}

interface Field {
  readonly wireType: number;
  /** Of its value. */
  readonly start: number;
  readonly end: number;
}

/** The last field under each number. */
function fieldsOf(cursor: WireCursor, end: number): Map<number, Field> {
  const fields = new Map<number, Field>();
  while (cursor.pos < end) {
    const tag = cursor.tag(end);
    const wireType = tag & 7;
    const fieldEnd = wireType === LEN ? cursor.len(end) : undefined;
    const start = cursor.pos;
    if (fieldEnd === undefined) cursor.skip(wireType, tag >>> 3, end);
    else cursor.pos = fieldEnd;
    fields.set(tag >>> 3, { wireType, start, end: cursor.pos });
  }
  return fields;
}

/** By what cannot be so in a span: in it 1 is the trace id, 5 the name, 7 and 8 are times, 9 the attributes, 11 the events. */
function signalOf(bytes: Buffer, fields: ReadonlyMap<number, Field>): string | undefined {
  const isMessage = (number: number) => fields.get(number)?.wireType === LEN;
  const isNumber = (number: number) => fields.has(number) && !isMessage(number);
  // The time of a log record, and when it was observed.
  if (isNumber(1) || isNumber(11)) return 'OTLP logs';
  // A sum, an exponential histogram; a gauge, a histogram, a summary.
  const isMetric =
    isMessage(7) || isMessage(10) || [5, 9, 11].some((number) => holdsDataPoints(bytes, fields.get(number)));
  return isMetric ? 'OTLP metrics' : undefined;
}

/** What a metric's data begins with, and the time that is in each of them. */
const DATA_POINTS = 1;
const DATA_POINT_TIME = 3;

/** A name, an attribute or an event of a span does not read so: what is under 1 would be text, or a time itself. */
function holdsDataPoints(bytes: Buffer, field: Field | undefined): boolean {
  if (field?.wireType !== LEN) return false;
  try {
    const cursor = new WireCursor(bytes);
    cursor.pos = field.start;
    const end = enter(cursor, DATA_POINTS, field.end);
    return end !== -1 && fieldsOf(cursor, end).get(DATA_POINT_TIME)?.wireType === FIXED64;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
}
