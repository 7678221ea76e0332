import { GatewayError } from '../errors';

/** Paths that come to mind and are not served, with what to do about it. */
const HINTS = new Map([
  ['/', 'POST to /v1/traces: an endpoint set for traces alone is used as it is, without a path added'],
  ['/v1/logs', 'this gateway takes traces only; set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to point traces alone here'],
  ['/v1/metrics', 'this gateway takes traces only; set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to point traces alone here'],
]);

const PUBLIC_API_HINT =
  'this gateway takes traces only; point LANGFUSE_BASE_URL of the tracing here, prompts, scores and media go to Langfuse itself';

/** The 404 for a path, with what to do about it where that can be told. */
export function notFound(path: string): GatewayError {
  const known = HINTS.get(path);
  const doubled = path.endsWith('/v1/traces')
    ? 'the path was appended twice: give exporters the base URL only'
    : undefined;
  const publicApi = /^\/api\/public\/(?!otel(\/|$))/.test(path) ? PUBLIC_API_HINT : undefined;
  return new GatewayError(
    'not_found',
    `no such path; ${known ?? doubled ?? publicApi ?? 'traces go to POST /v1/traces'}`,
  );
}
