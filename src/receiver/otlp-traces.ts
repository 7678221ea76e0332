import type { ServerResponse } from 'node:http';
import { WARNING_TEXTS } from '../admission/warnings';
import type { Accepted } from './accept';
import { sendSuccess } from './answer';
import { formatOf, sniff } from './format';
import type { GateRequest } from './gate';
import type { Dialect, Ingest, Visit } from './ingest';

const OTLP_DIALECT: Dialect = {
  formatOf,
  sniff,
  contentTypes: 'application/json and application/x-protobuf',
  unknownBody:
    'is neither a JSON object nor an OTLP protobuf request; say which by Content-Type: application/json or application/x-protobuf',
};

/**
 * ExportTraceServiceRequest in, ExportTraceServiceResponse out, in the encoding it came in.
 *
 * @param options.tellWarnings whether a success tells its sender what is worth mending.
 */
export function tracesHandler({ ingest, tellWarnings }: { ingest: Ingest; tellWarnings: boolean }) {
  return async (request: GateRequest, response: ServerResponse, visit: Visit): Promise<void> => {
    const ingested = await ingest(request, response, visit, OTLP_DIALECT);
    if (ingested === undefined) return;
    const { rejections, warnings } = ingested.accepted;
    const format = ingested.format === 'protobuf' ? 'protobuf' : 'json';
    sendSuccess(response, format, { rejections, warnings: tellWarnings ? warningTexts(warnings) : [] });
  };
}

const warningTexts = (warnings: Accepted['warnings']): string[] =>
  [...warnings].map(
    ([warning, { spans, traceId, spanId }]) =>
      `${spans} span(s) ${WARNING_TEXTS[warning]}, first span ${spanId} of trace ${traceId}`,
  );
