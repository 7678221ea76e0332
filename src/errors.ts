/**
 * Everything a request can fail of. The code is ours; the table below is the only place
 * that knows which HTTP status and which gRPC code (google.rpc.Status) belong to it.
 */
export type ErrorCode =
  | 'bad_request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'timeout'
  | 'too_large'
  | 'unsupported_media'
  | 'expectation_failed'
  | 'rate_limited'
  | 'unavailable'
  | 'deadline'
  | 'internal';

/** HTTP status and google.rpc code per error code (the mapping the Collector uses, conformance row F21). */
export const ERROR_TABLE: Readonly<Record<ErrorCode, { http: number; grpc: number }>> = {
  bad_request: { http: 400, grpc: 3 },
  unauthenticated: { http: 401, grpc: 16 },
  forbidden: { http: 403, grpc: 7 },
  not_found: { http: 404, grpc: 12 },
  method_not_allowed: { http: 405, grpc: 2 },
  timeout: { http: 408, grpc: 2 },
  too_large: { http: 413, grpc: 2 },
  unsupported_media: { http: 415, grpc: 2 },
  expectation_failed: { http: 417, grpc: 2 },
  rate_limited: { http: 429, grpc: 8 },
  unavailable: { http: 503, grpc: 14 },
  deadline: { http: 504, grpc: 14 },
  internal: { http: 500, grpc: 13 },
};

export interface FieldViolation {
  /** Path of the field in the request, e.g. `resourceSpans[0].scopeSpans[0].spans[2].traceId`. */
  field: string;
  description: string;
}

export interface GatewayErrorOptions {
  cause?: unknown;
  /** Extra response headers, e.g. `Allow`, `Retry-After`. */
  headers?: Record<string, string>;
  fieldViolations?: FieldViolation[];
}

/**
 * A request that cannot be served. The message is written for the developer of the sender and
 * never holds an attribute value; `cause` goes to the log only.
 */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly fieldViolations: readonly FieldViolation[];

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    // It is an answer and no fault of the program: a stack that nobody reads would be most of what a refusal costs.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'GatewayError';
    this.code = code;
    this.headers = options.headers ?? {};
    this.fieldViolations = options.fieldViolations ?? [];
  }

  get httpStatus(): number {
    return ERROR_TABLE[this.code].http;
  }
}

export const badRequest = (message: string, options?: GatewayErrorOptions) =>
  new GatewayError('bad_request', message, options);

export const forbidden = (message: string) => new GatewayError('forbidden', message);

/** Of a key that sends more than its rate: 429, which is for nothing else. */
export const rateLimited = (message: string, retryAfterS: number) =>
  new GatewayError('rate_limited', message, { headers: { 'Retry-After': String(retryAfterS) } });

export const tooLarge = (what: string, limitBytes: number) =>
  new GatewayError(
    'too_large',
    `${what} exceeds the limit of ${limitBytes} bytes; send smaller batches or raise GATEWAY_BODY_MAX_BYTES`,
  );

/** Retryable by every OTLP client: 503 and not 429, which older exporters do not retry. */
export const unavailable = (message: string, retryAfterS: number, cause?: unknown) =>
  new GatewayError('unavailable', message, { cause, headers: { 'Retry-After': String(retryAfterS) } });

/** The same with a Retry-After of 1 to 5 s, spread so that those who are refused together do not come back together. */
export const retrySoon = (message: string, random: () => number) => unavailable(message, 1 + Math.floor(random() * 5));

export const shuttingDown = (random: () => number) =>
  retrySoon('the gateway is shutting down; try again shortly', random);
