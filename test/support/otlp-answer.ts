import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { Answer } from './post';

export type Encoding = 'json' | 'protobuf';

/** The bare types: the Go exporter and the Collector compare the text exactly. */
export const CONTENT_TYPE: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  protobuf: 'application/x-protobuf',
};

/** A full success as it is on the wire: partial_success unset. */
export const FULL_SUCCESS: Readonly<Record<Encoding, string>> = { json: '{}', protobuf: '' };

/** What RPC codes go with which HTTP status (row F21); 2 is "unknown". */
const RPC_CODES: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 12,
  429: 8,
  500: 13,
  503: 14,
  504: 14,
};
const RPC_UNKNOWN = 2;

/** Collector exporters ignore larger bodies; ours stay far below that. */
const ERROR_BODY_BYTES_MAX = 4096;

export interface FieldViolation {
  field: string;
  description: string;
}

/** A google.rpc.Status, of either encoding. */
export interface StatusBody {
  code: number;
  message: string;
  fieldViolations: FieldViolation[];
}

/** An ExportTraceServiceResponse, of either encoding; `undefined` where partial_success is unset. */
export interface ExportResponse {
  rejectedSpans: string;
  errorMessage: string;
}

const load = (file: string) => protobuf.loadSync(join(__dirname, '../../proto', file));
const Response = load('trace.proto').lookupType('otlp.ExportTraceServiceResponse');
const rpc = load('status.proto');
const Status = rpc.lookupType('rpc.Status');
const BadRequest = rpc.lookupType('rpc.BadRequest');
const BAD_REQUEST_URL = 'type.googleapis.com/google.rpc.BadRequest';

/**
 * Asserts all that holds for every refusal: its status, the bare content type of the encoding, a google.rpc.Status with
 * the right code that is short, has a message and no stack trace. Returns the Status.
 */
export function expectRefusal(answer: Answer, expected: { status: number; encoding: Encoding }): StatusBody {
  const { status, encoding } = expected;
  expect(summaryOf(answer)).toEqual({ status, type: CONTENT_TYPE[encoding] });
  expect(answer.body.length).toBeLessThanOrEqual(ERROR_BODY_BYTES_MAX);
  const read = readStatus(answer.body, encoding);
  expect(read.code).toBe(RPC_CODES[status] ?? RPC_UNKNOWN);
  expect(read.message).toMatch(/\w{3}/);
  expect(read.message).not.toMatch(/\n\s+at |node_modules|\.[jt]s:\d/);
  return read;
}

/** Asserts a full success: 200, the bare type, `{}` or zero bytes with `Content-Length: 0`. */
export function expectSuccess(answer: Answer, encoding: Encoding): void {
  expect({ ...summaryOf(answer), body: answer.body.toString() }).toEqual({
    status: 200,
    type: CONTENT_TYPE[encoding],
    body: FULL_SUCCESS[encoding],
  });
  expect(answer.headers['content-length']).toBe(String(FULL_SUCCESS[encoding].length));
}

/** Asserts a partial success of so many spans; returns its message. */
export function expectRejected(answer: Answer, expected: { encoding: Encoding; spans: number }): string {
  const { encoding, spans } = expected;
  expect(summaryOf(answer)).toEqual({ status: 200, type: CONTENT_TYPE[encoding] });
  expect(answer.body.length).toBeLessThanOrEqual(ERROR_BODY_BYTES_MAX);
  const read = readResponse(answer.body, encoding);
  expect(read).toEqual({ rejectedSpans: String(spans), errorMessage: expect.stringMatching(/\w{3}/) });
  return read?.errorMessage ?? '';
}

const summaryOf = ({ status, headers }: Answer) => ({ status, type: headers['content-type'] });

/** @throws when the body is no Status of that encoding. */
export function readStatus(body: Buffer, encoding: Encoding): StatusBody {
  if (encoding === 'json') return readJsonStatus(body);
  const { code, message, details } = Status.toObject(Status.decode(body), { defaults: true, arrays: true }) as {
    code: number;
    message: string;
    details: { typeUrl: string; value: Uint8Array }[];
  };
  const fieldViolations = details.flatMap(({ typeUrl, value }) => {
    if (typeUrl !== BAD_REQUEST_URL) throw new Error(`unexpected detail ${typeUrl}`);
    return (BadRequest.toObject(BadRequest.decode(value)) as { fieldViolations: FieldViolation[] }).fieldViolations;
  });
  return { code, message, fieldViolations };
}

function readJsonStatus(body: Buffer): StatusBody {
  const parsed = JSON.parse(body.toString()) as {
    code: number;
    message: string;
    details?: { '@type': string; fieldViolations: FieldViolation[] }[];
  };
  const { code, message, details = [], ...others } = parsed;
  if (Object.keys(others).length > 0) throw new Error(`not of a Status: ${Object.keys(others).join(', ')}`);
  const fieldViolations = details.flatMap((detail) => {
    if (detail['@type'] !== BAD_REQUEST_URL) throw new Error(`unexpected detail ${detail['@type']}`);
    return detail.fieldViolations;
  });
  return { code, message, fieldViolations };
}

/** @throws when the body is no ExportTraceServiceResponse of that encoding. */
export function readResponse(body: Buffer, encoding: Encoding): ExportResponse | undefined {
  if (encoding === 'json') {
    const { partialSuccess, ...others } = JSON.parse(body.toString()) as { partialSuccess?: ExportResponse };
    if (Object.keys(others).length > 0) throw new Error(`not of a response: ${Object.keys(others).join(', ')}`);
    return partialSuccess;
  }
  const read = Response.toObject(Response.decode(body), { longs: String, defaults: true });
  return (read as { partialSuccess: ExportResponse | null }).partialSuccess ?? undefined;
}
