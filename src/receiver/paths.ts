/** OTLP's own path and Langfuse's: an SDK of either only changes its base URL. */
export const TRACE_PATHS = ['/v1/traces', '/api/public/otel/v1/traces'];

/** Where browser exporters send flattened ReadableSpans. */
export const TRANSPARENT_PATHS = ['/otel-ingest', '/api/span-forward/ingest'];

export const FLUSH_PATHS = ['/flush', '/api/span-forward/flush'];

export const HEALTH_PATHS = ['/healthz', '/api/span-forward/health'];

/** What a key may be limited to. */
export const KEY_PATHS = [...TRACE_PATHS, ...TRANSPARENT_PATHS, ...FLUSH_PATHS];

/** All are served with a slash at their end, too. */
export const plainPath = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);
