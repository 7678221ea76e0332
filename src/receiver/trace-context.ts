import type { IncomingMessage } from 'node:http';
import type { RequestedContext } from '../admission/trace-context';

/**
 * The trace context that a request says outside of its body: in its query, else in its headers. Whoever writes it into a
 * URL means it; a header may be a proxy's.
 */
export function requestedContext({ url = '', headers }: IncomingMessage): RequestedContext | undefined {
  const queryAt = url.indexOf('?');
  if (queryAt !== -1) {
    const query = new URLSearchParams(url.slice(queryAt + 1));
    const inQuery = { traceId: query.get('trace_id') ?? '', parentSpanId: query.get('parent_span_id') ?? '' };
    if (inQuery.traceId !== '' || inQuery.parentSpanId !== '') return inQuery;
  }
  const traceId = text(headers['x-trace-id']);
  const parentSpanId = text(headers['x-parent-span-id']);
  return traceId === undefined && parentSpanId === undefined ? undefined : { traceId, parentSpanId };
}

/** A header that came twice is one text with a comma, and no id. */
const text = (header: string | string[] | undefined) => (Array.isArray(header) ? header.join(', ') : header);
