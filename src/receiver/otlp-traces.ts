import type { Request, Response } from 'express';
import { WARNING_TEXTS } from '../admission/warnings';
import { GatewayError, retrySoon } from '../errors';
import type { Accept, Accepted } from './accept';
import { sendSuccess } from './answer';
import { type DoorBudget, type DoorTicket, declaredLength, readBody } from './body';
import { isKnownCoding, unsupportedCoding } from './codings';
import { type Format, formatOf, sniff } from './format';
import { requestedContext } from './trace-context';

/** OTLP's own path and Langfuse's: an SDK of either only changes its base URL. */
export const TRACE_PATHS = ['/v1/traces', '/api/public/otel/v1/traces'];

export interface TracesOptions {
  accept: Accept;
  /** Whether a success tells its sender what is worth mending. */
  tellWarnings: boolean;
  /** Resolves when the body may come in; what it resolves to is called when its spans are kept or it has failed. */
  room: () => Promise<() => void>;
  /** Why reading a body would be in vain, for its spans cannot be kept; `undefined` when it would not. */
  trouble: () => string | undefined;
  random: () => number;
  bodyBytesMax: number;
  budget: DoorBudget;
}

/** ExportTraceServiceRequest in, ExportTraceServiceResponse out, in the encoding it came in. */
export function tracesHandler({ accept, tellWarnings, room, trouble, random, bodyBytesMax, budget }: TracesOptions) {
  return async (request: Request, response: Response): Promise<void> => {
    const declared = formatOf(request.headers['content-type']);
    if (declared === undefined) throw unsupportedType(request);
    const contentEncoding = request.headers['content-encoding'];
    if (!isKnownCoding(contentEncoding)) throw unsupportedCoding(contentEncoding);
    const why = trouble();
    if (why !== undefined) throw retrySoon(`${why}; the spans were not read`, random);
    const offered = await room();
    let ticket: DoorTicket | undefined;
    try {
      if (isRefused(response)) return;
      ticket = budget.enter(declaredLength(request));
      const bytes = await readBody(request, { response, bodyBytesMax, ticket }).catch((error) => {
        throw declared === 'sniff' ? unreadable(error) : error;
      });
      const format = declared === 'sniff' ? sniffed(bytes) : declared;
      response.locals.format = format;
      if (isRefused(response)) return;
      const { rejections, warnings } = await accept({ format, bytes, traceContext: requestedContext(request) });
      sendSuccess(response, format, { rejections, warnings: tellWarnings ? warningTexts(warnings) : [] });
    } finally {
      ticket?.leave();
      offered();
    }
  };
}

const warningTexts = (warnings: Accepted['warnings']): string[] =>
  [...warnings].map(
    ([warning, { spans, traceId, spanId }]) =>
      `${spans} span(s) ${WARNING_TEXTS[warning]}, first span ${spanId} of trace ${traceId}`,
  );

/** At the end of a shutdown nobody waits for what is under way: a body is not kept whose sender was told to send it again. */
const isRefused = (response: Response) => response.headersSent;

function sniffed(bytes: Buffer): Format {
  const format = sniff(bytes);
  if (format !== undefined) return format;
  throw new GatewayError(
    'unsupported_media',
    'the body is neither a JSON object nor an OTLP protobuf request; say which by Content-Type: application/json or application/x-protobuf',
  );
}

/** A body of no declared type that cannot be decompressed: its type cannot be told. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof GatewayError) || error.code !== 'bad_request') return error;
  return new GatewayError('unsupported_media', `no Content-Type, and ${error.message}`, { cause: error });
}

function unsupportedType(request: Request): GatewayError {
  const form = request.headers['content-type']?.includes('form-urlencoded') === true;
  const hint = form ? '; curl -d sends a form unless told -H "Content-Type: application/json"' : '';
  return new GatewayError(
    'unsupported_media',
    `unsupported Content-Type; known are application/json and application/x-protobuf${hint}`,
    { headers: { Accept: 'application/json, application/x-protobuf' } },
  );
}
