import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Rejection } from '../admission/admit';
import { ERROR_TABLE, type GatewayError } from '../errors';
import { OTLP, RPC } from '../otlp/schema';
import { CONTENT_TYPES, type Format } from './format';

const ExportTraceServiceResponse = OTLP.lookupType('otlp.ExportTraceServiceResponse');
const Status = RPC.lookupType('rpc.Status');
const BadRequest = RPC.lookupType('rpc.BadRequest');
const BAD_REQUEST_TYPE = 'type.googleapis.com/google.rpc.BadRequest';

/** Clients read 64 KiB of an answer and some only 4: diagnostics are cut until the body fits. */
const ERROR_BYTES_MAX = 4096;
const MESSAGE_CHARS_MAX = 1500;
const PATH_CHARS_MAX = 160;
const NAMED_REJECTIONS_MAX = 5;
const FIELD_VIOLATIONS_MAX = 5;

/** How much of a body that is not wanted is read so that its sender sees the answer, and how long. */
const DRAIN_BYTES_MAX = 64 * 1024 * 1024;
const DRAIN_MS_MAX = 5_000;
/** A beacon's longest body. */
const UNREAD_BYTES_SMALL = 64 * 1024;

export interface Success {
  readonly rejections: readonly Rejection[];
  /** What is wrong with accepted spans, each a short text: "3 span(s) without a session id". None by default. */
  readonly warnings?: readonly string[];
}

/** Full success is `{}` or zero bytes, with partial_success unset: clients take anything else for a problem. */
export function sendSuccess(response: ServerResponse, format: Format, success: Success): void {
  // Refused while it was being kept: its sender sends it again.
  if (response.headersSent) return;
  const partial = partialSuccess(success);
  const body = format === 'json' ? Buffer.from(JSON.stringify(partial)) : encode(ExportTraceServiceResponse, partial);
  send(response, 200, { format, body });
}

/** With warnings alone `rejectedSpans` stays unset: none, as a receiver says it that has accepted all and has something to say. */
function partialSuccess({ rejections, warnings = [] }: Success) {
  const parts = [
    ...(rejections.length === 0 ? [] : [rejectionMessage(rejections)]),
    ...(warnings.length === 0 ? [] : [`warnings: ${warnings.join('; ')}`]),
  ];
  if (parts.length === 0) return {};
  const errorMessage = cut(parts.join(' | '));
  const rejectedSpans = rejections.length === 0 ? {} : { rejectedSpans: String(rejections.length) };
  return { partialSuccess: { ...rejectedSpans, errorMessage } };
}

/** Of a flush. What is left of the request's body is read, within bounds. */
export function sendFlushed(request: IncomingMessage, response: ServerResponse): void {
  const body = Buffer.from(JSON.stringify({ status: 'flushed' }));
  send(response, 202, { format: 'json', body, unread: unreadBody(request) });
}

/** What became of a list of transparent spans, as its sender reads it. */
export interface IngestedAnswer {
  readonly accepted: number;
  readonly rejected: number;
  /** By position in the list that was sent. */
  readonly errors: readonly { readonly index: number; readonly message: string }[];
  /** Where the sender wanted to wait: whether they are delivered, or a dead letter. */
  readonly flushed?: boolean;
}

/** 207 (some of them) where a span was rejected, else 202. */
export function sendIngested(response: ServerResponse, answer: IngestedAnswer): void {
  // Refused while they were being kept, or waited for.
  if (response.headersSent || response.destroyed) return;
  send(response, answer.rejected > 0 ? 207 : 202, { format: 'json', body: Buffer.from(JSON.stringify(answer)) });
}

/** The only place that writes a google.rpc.Status. What is left of the request's body is read, within bounds. */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  error: GatewayError,
  format: Format,
): void {
  // One answer a request: what was refused while it was under way may fail afterwards.
  if (response.headersSent || response.destroyed) return;
  const { http, grpc } = ERROR_TABLE[error.code];
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  const body = statusBody(grpc, error, format);
  send(response, http, { format, body, unread: unreadBody(request) });
}

/** Names the first few rejected spans and why. */
function rejectionMessage(rejections: readonly Rejection[]): string {
  const named = rejections
    .slice(0, NAMED_REJECTIONS_MAX)
    .map(({ field, description }) => `${shortPath(field)} ${description}`);
  const more = rejections.length - named.length;
  return `${rejections.length} span(s) rejected: ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

type Violations = GatewayError['fieldViolations'];

function statusBody(grpc: number, error: GatewayError, format: Format): Buffer {
  const encodeStatus = format === 'json' ? statusJson : statusProtobuf;
  const violations = error.fieldViolations.slice(0, FIELD_VIOLATIONS_MAX).map(({ field, description }) => ({
    field: shortPath(field),
    description: cut(description, PATH_CHARS_MAX),
  }));
  // Escapes and letters of several bytes make a text longer than it counts, so it is halved until it fits.
  for (let charsMax = MESSAGE_CHARS_MAX; ; charsMax = Math.floor(charsMax / 2)) {
    const body = encodeStatus(grpc, cut(error.message, charsMax), charsMax === MESSAGE_CHARS_MAX ? violations : []);
    if (body.length <= ERROR_BYTES_MAX || charsMax === 0) return body;
  }
}

function statusJson(code: number, message: string, violations: Violations): Buffer {
  const details =
    violations.length === 0 ? {} : { details: [{ '@type': BAD_REQUEST_TYPE, fieldViolations: violations }] };
  return Buffer.from(JSON.stringify({ code, message, ...details }));
}

function statusProtobuf(code: number, message: string, violations: Violations): Buffer {
  const value = encode(BadRequest, { fieldViolations: violations });
  const details = violations.length === 0 ? {} : { details: [{ typeUrl: BAD_REQUEST_TYPE, value }] };
  return encode(Status, { code, message, ...details });
}

/** The request while its body is not all there; one without a body has nothing to be read, though its parser may not have said so. */
function unreadBody(request: IncomingMessage): IncomingMessage | undefined {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  return !request.complete && (coding !== undefined || Number(length ?? 0) > 0) ? request : undefined;
}

interface Answer {
  format: Format;
  body: Buffer;
  /** The request whose body has not been read to its end. */
  unread?: IncomingMessage | undefined;
}

function send(response: ServerResponse, status: number, { format, body, unread }: Answer): void {
  response.statusCode = status;
  response.setHeader('Content-Type', CONTENT_TYPES[format]);
  response.setHeader('Content-Length', body.length);
  if (unread === undefined) {
    response.end(body);
    return;
  }
  if (isSmall(unread)) {
    // Node reads the rest of a request whose answer is out.
    response.end(body);
    const timer = setTimeout(() => unread.destroy(), DRAIN_MS_MAX);
    unread.once('close', () => clearTimeout(timer));
    return;
  }
  // Closing while the sender still writes would reset the connection and take the answer with it.
  response.setHeader('Connection', 'close');
  response.write(body);
  drain(unread, () => response.end());
}

/** To open another connection costs both sides more than to read so much. */
const isSmall = ({ headers }: IncomingMessage) => Number(headers['content-length'] ?? Infinity) <= UNREAD_BYTES_SMALL;

function drain(request: IncomingMessage, done: () => void): void {
  let left = DRAIN_BYTES_MAX;
  const finish = () => {
    clearTimeout(timer);
    request.removeAllListeners('data');
    done();
  };
  const timer = setTimeout(finish, DRAIN_MS_MAX);
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left <= 0) finish();
  });
  request.once('end', finish);
  request.once('close', finish);
  request.resume();
}

const encode = (type: typeof Status, message: object) => Buffer.from(type.encode(type.fromObject(message)).finish());

const cut = (text: string, charsMax = MESSAGE_CHARS_MAX) =>
  text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`;

/** Where a value is nested deep, its path is longer than what there is to say about it. */
const shortPath = (path: string) => cut(path, PATH_CHARS_MAX);
