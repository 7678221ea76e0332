import type { ServerResponse } from 'node:http';
import type { Accepted } from './accept';
import { type IngestedAnswer, sendIngested } from './answer';
import type { FlushDoor } from './flush';
import { isJsonStart } from './format';
import type { GateRequest } from './gate';
import type { Dialect, Ingest, Visit } from './ingest';

const TRANSPARENT_DIALECT: Dialect = {
  formatOf(contentType) {
    const [mediaType = ''] = (contentType ?? '').split(';');
    const type = mediaType.trim().toLowerCase();
    if (type === 'application/json') return 'transparent';
    return type === 'text/plain' || type === '' ? 'sniff' : undefined;
  },
  sniff: (body) => (isJsonStart(body) ? 'transparent' : undefined),
  contentTypes: 'application/json or text/plain',
  unknownBody: 'is not JSON; this path takes a list of spans, or {"spans": [..]}',
};

/** A body of many bad spans must not have an answer as long as itself: `rejected` counts all of them. */
const ERRORS_MAX = 1000;

/**
 * What browser exporters post: a list of flattened ReadableSpans, or `{"spans": [..]}`. Answers 202, or 207 when some were
 * rejected; with `?flush=true` not before they are settled.
 */
export function transparentHandler({ ingest, flush }: { ingest: Ingest; flush: FlushDoor }) {
  return async (request: GateRequest, response: ServerResponse, visit: Visit): Promise<void> => {
    const ingested = await ingest(request, response, visit, TRANSPARENT_DIALECT);
    if (ingested === undefined) return;
    const answer = answerOf(ingested.accepted);
    if (!asksToFlush(request)) {
      sendIngested(response, answer);
      return;
    }
    const waited = await flush.wait({ request, response, key: visit.sender.key });
    sendIngested(response, { ...answer, flushed: waited === 'settled' });
  };
}

function answerOf({ accepted, rejections }: Accepted): IngestedAnswer {
  const errors = rejections
    .slice(0, ERRORS_MAX)
    .map(({ ordinal, field, description }) => ({ index: ordinal, message: `${field} ${description}` }));
  return { accepted, rejected: rejections.length, errors };
}

function asksToFlush({ url = '' }: GateRequest): boolean {
  const queryAt = url.indexOf('?');
  return queryAt !== -1 && new URLSearchParams(url.slice(queryAt + 1)).get('flush') === 'true';
}
