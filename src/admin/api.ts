import type { Express, Request, Response } from 'express';
import type { DeadLetterDesk, DeskAnswer } from '../dead-letter-desk';
import type { Overview, Trouble } from '../inspector/api';
import type { TraceQueries } from '../inspector/queries';
import { createEvents, type EventsOptions } from './events';
import { idIn, isAsked, limitIn, textIn } from './reading';

export interface ApiOptions extends EventsOptions {
  readonly overview: () => Promise<Overview>;
  readonly trouble: () => Trouble;
  readonly traces: Pick<TraceQueries, 'list' | 'observations' | 'tree' | 'span' | 'summaries'>;
  /** The one that is at work now. */
  readonly deadLetters: () => DeadLetterDesk;
}

const TRACES = { usual: 50, max: 500 };
const ROWS = { usual: 20_000, max: 20_000 };
const OBSERVATIONS = { usual: Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
const LETTERS = { usual: 50, max: 200 };

const READ = 'GET, HEAD, OPTIONS';
/** What may be done to each path. */
export const API_METHODS: Readonly<Record<string, string>> = {
  '/api': READ,
  '/api/overview': READ,
  '/api/traces': READ,
  '/api/traces/:id': READ,
  '/api/traces/:id/tree': READ,
  '/api/traces/:id/spans/:spanId': READ,
  '/api/trouble': READ,
  '/api/events': READ,
  '/api/dead-letters': READ,
  '/api/dead-letters/:id': 'DELETE, OPTIONS',
  '/api/dead-letters/:id/replay': 'POST, OPTIONS',
};

/** What the page asks for, and whoever else: docs/inspector.md. */
export function serveApi(app: Express, options: ApiOptions): void {
  const { overview, trouble, traces } = options;
  app.get('/api', (_request, response) => void response.json({ paths: Object.keys(API_METHODS) }));
  app.get('/api/overview', async (_request, response) => void response.json(await overview()));
  app.get('/api/trouble', (_request, response) => void response.json(trouble()));
  app.get('/api/events', createEvents(options));
  app.get('/api/traces', async (request, response) => {
    const filter = {
      ...{ text: textIn(request, 'text'), service: textIn(request, 'service'), type: textIn(request, 'type') },
      ...{ session: textIn(request, 'session'), user: textIn(request, 'user') },
      ...{ warnings: isAsked(request, 'warnings'), rejected: isAsked(request, 'rejected') },
    };
    response.json(await traces.list({ limit: limitIn(request, TRACES), before: idIn(request, 'before'), filter }));
  });
  app.get('/api/traces/:id', async (request, response) => {
    const traceId = request.params.id.toLowerCase();
    const page = { limit: limitIn(request, OBSERVATIONS), after: idIn(request, 'after') };
    await sendObservations(response, traceId, traces.observations(traceId, page));
  });
  app.get('/api/traces/:id/tree', async (request, response) => {
    const page = { limit: limitIn(request, ROWS), after: idIn(request, 'after') };
    response.json(await traces.tree(request.params.id.toLowerCase(), page));
  });
  app.get('/api/traces/:id/spans/:spanId', async (request, response) => {
    const { id, spanId } = request.params;
    const found = await traces.span(id.toLowerCase(), spanId.toLowerCase());
    if (found === undefined) response.status(404).json({ error: 'this span is not kept, or not any more' });
    else response.json(found);
  });
  serveDeadLetters(app, options);
}

/** For others, who wait meanwhile: a socket that takes all at once never lets go. */
const SLICE_MS = 10;

/** One by one: all of a large trace at once would be as much again as there is room for. */
async function sendObservations(
  response: Response,
  traceId: string,
  observations: AsyncIterable<object>,
): Promise<void> {
  response.type('json');
  let before = `{"traceId":${JSON.stringify(traceId)},"observations":[`;
  let sliceEndMs = performance.now() + SLICE_MS;
  for await (const observation of observations) {
    if (response.destroyed) return;
    if (!response.write(before + JSON.stringify(observation))) await drained(response);
    before = ',';
    if (performance.now() < sliceEndMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    sliceEndMs = performance.now() + SLICE_MS;
  }
  response.end(before === ',' ? ']}' : `${before}]}`);
}

/** Or closed. Nothing of it stays behind: a large trace waits many times. */
const drained = (response: Response) =>
  new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });

function serveDeadLetters(app: Express, { deadLetters }: ApiOptions): void {
  app.get('/api/dead-letters', async (request, response) => {
    const page = { limit: limitIn(request, LETTERS), before: textIn(request, 'before') };
    response.json(await deadLetters().list(page));
  });
  const change =
    (work: (desk: DeadLetterDesk, id: string) => Promise<DeskAnswer>) =>
    async (request: Request<{ id: string }>, response: Response) => {
      const { status, body } = await work(deadLetters(), request.params.id);
      response.status(status).json(body);
    };
  app.post(
    '/api/dead-letters/:id/replay',
    change((desk, id) => desk.replay(id)),
  );
  app.delete(
    '/api/dead-letters/:id',
    change((desk, id) => desk.drop(id)),
  );
}
