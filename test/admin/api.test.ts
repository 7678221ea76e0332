import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { TraceObservations, TraceSummary, TraceTree } from '../../src/inspector/api';
import { explained, jsonOf } from '../commands/explain-runs';
import { type RunningAdmin, startAdmin } from '../support/admin';
import { eventually } from '../support/eventually';
import { startInspecting } from '../support/inspecting';
import { encodeSpans, numberedSpans, spanIdOf } from '../support/trace-request';

let admin: RunningAdmin;
let inspecting: ReturnType<typeof startInspecting>;
beforeEach(async () => {
  inspecting = startInspecting();
  admin = await startAdmin({ inspecting });
});
afterEach(() => admin.close());

const get = (path: string) => admin.get(path);

test('the paths there are', async () => {
  expect(await get('/api')).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: {
      paths: [
        ...['/api', '/api/overview', '/api/traces', '/api/traces/:id', '/api/traces/:id/tree'],
        ...['/api/traces/:id/spans/:spanId', '/api/trouble', '/api/events', '/api/dead-letters'],
        ...['/api/dead-letters/:id', '/api/dead-letters/:id/replay'],
      ],
    },
  });
});

test('an empty gateway: empty lists', async () => {
  expect((await get('/api/traces')).body).toEqual({ traces: [], next: null });
  expect((await get('/api/traces/aa')).body).toEqual({ traceId: 'aa', observations: [] });
  expect((await get('/api/traces/aa/tree')).body).toEqual({ trace: null, rows: [], next: null });
  expect(await get('/api/traces/aa/spans/bb')).toMatchObject({ status: 404, body: { error: expect.any(String) } });
  expect((await get('/api/dead-letters')).body).toEqual({ deadLetters: [], total: 0, bytes: 0, next: null });
  expect((await get('/api/trouble')).body).toEqual(inspecting.inspector.troubles.view());
  expect((await get('/api/overview')).body).toMatchObject({ mode: 'full', kept: { traces: 0 }, clients: [] });
});

const TRACE = 'aa'.repeat(16);
const OTHER = 'bb'.repeat(16);
const [A, B] = ['0a'.padStart(16, '0'), '0b'.padStart(16, '0')] as [string, string];

/** Two spans of one trace, the child first, and then one of another. */
const BODY = jsonOf(
  {
    traceId: TRACE,
    spanId: B,
    parentSpanId: A,
    name: 'child',
    attributes: { 'gen_ai.request.model': 'm', input: 'x' },
  },
  { traceId: TRACE, spanId: A, name: 'root', attributes: { 'session.id': 's' }, resource: { 'service.name': 'web' } },
  { traceId: OTHER, spanId: A, name: 'other' },
);
const keep = () => inspecting.keep(Buffer.from(BODY), { format: 'json' });

describe('contract', () => {
  test('the list', async () => {
    await keep();
    const { traces } = (await get('/api/traces')).body as { traces: TraceSummary[] };
    expect(traces.map(({ traceId }) => traceId)).toEqual([OTHER, TRACE]);
    expect(traces[1]).toMatchObject({
      ...{ traceId: TRACE, name: 'root', observations: 2, startTime: '2023-11-14T22:13:20.000Z', durationMs: 2_000 },
      ...{ sessionId: 's', userId: null, warnings: expect.any(Number) },
    });
  });

  test('a trace: its observations as explain prints them, in the order of their tree', async () => {
    await keep();
    const { observations } = await explained(BODY);
    const [child, root] = observations;
    const expected: TraceObservations = { traceId: TRACE, observations: [root!, child!] };
    expect((await get(`/api/traces/${TRACE}`)).body).toEqual(expected);
    expect((await get(`/api/traces/${TRACE.toUpperCase()}`)).body).toEqual(expected);
    // The names of the contract, and no others.
    const names = `traceId spanId parentSpanId isRoot type name startTime endTime completionStartTime level statusMessage model
      modelParameters usage cost input output sessionId userId traceName tags public environment release version promptName
      promptVersion metadata repairs warnings`;
    expect(Object.keys(root!).toSorted()).toEqual(names.split(/\s+/).toSorted());
  });

  test('its tree and a span of it, of either case', async () => {
    await keep();
    const { rows } = (await get(`/api/traces/${TRACE.toUpperCase()}/tree`)).body as TraceTree;
    expect(rows.map(({ spanId, depth }) => [spanId, depth])).toEqual([
      [A, 0],
      [B, 1],
    ]);
    const path = `/api/traces/${TRACE.toUpperCase()}/spans/${B.toUpperCase()}`;
    const { status, body } = await get(path);
    expect([status, body]).toMatchObject([
      200,
      { observation: { name: 'child', input: 'x', model: 'm' }, isFull: true },
    ]);
    expect(body).toEqual(JSON.parse(JSON.stringify(await inspecting.queries.span(TRACE, B))));
  });
});

describe('what is asked for', () => {
  test.each<[query: string, expected: string[]]>([
    ['?limit=1', [OTHER]],
    [`?limit=1&before=${OTHER}`, [TRACE]],
    [`?before=${TRACE}`, []],
    ['?limit=0', [OTHER, TRACE]],
    ['?limit=-1', [OTHER, TRACE]],
    ['?limit=1.5', [OTHER, TRACE]],
    ['?limit=many', [OTHER, TRACE]],
    ['?limit=1e400', [OTHER, TRACE]],
    ['?limit=', [OTHER, TRACE]],
    ['?limit=1&limit=2', [OTHER, TRACE]],
    ['?before[x]=1', [OTHER, TRACE]],
    ['?before=', [OTHER, TRACE]],
    ['?unknown=1&__proto__=2&constructor=3', [OTHER, TRACE]],
    ['?service=web', [TRACE]],
    ['?session=s', [TRACE]],
    ['?user=u', []],
    ['?type=generation', [TRACE]],
    ['?text=other', [OTHER]],
    ['?text=input', [TRACE]],
    ['?warnings=true', [OTHER, TRACE]],
    ['?warnings=false', [OTHER, TRACE]],
    ['?warnings=1', [OTHER, TRACE]],
    ['?rejected=true', []],
    ['?text=%F0%9F%98%80', []],
    ['?text=%ff', []],
  ])('%s', async (query, expected) => {
    await keep();
    const { status, body } = await get(`/api/traces${query}`);
    expect([status, body.traces.map(({ traceId }: TraceSummary) => traceId)]).toEqual([200, expected]);
  });

  test('500 traces at most', async () => {
    const spans = Array.from({ length: 600 }, (_, at) => ({
      name: 's1',
      traceId: (at + 1).toString(16).padStart(32, '0'),
    }));
    await inspecting.keepSpans(spans);
    const lengths: number[] = [];
    for (const query of ['', '?limit=500', '?limit=501', '?limit=9007199254740993']) {
      lengths.push((await get(`/api/traces${query}`)).body.traces.length);
    }
    expect(lengths).toEqual([50, 500, 500, 50]);
    expect((await get('/api/traces?limit=1000')).body.next).toBe((101).toString(16).padStart(32, '0'));
  });

  test('pages of a trace', async () => {
    await keep();
    const names = async (query: string) => {
      const { observations } = (await get(`/api/traces/${TRACE}${query}`)).body as TraceObservations;
      const { rows, next } = (await get(`/api/traces/${TRACE}/tree${query}`)).body as TraceTree;
      expect(rows.map(({ name }) => name)).toEqual(observations.map(({ name }) => name));
      return [observations.map(({ name }) => name), next];
    };
    expect(await names('?limit=1')).toEqual([['root'], A]);
    expect(await names(`?limit=1&after=${A}`)).toEqual([['child'], null]);
    expect(await names(`?after=${B}`)).toEqual([[], null]);
    expect(await names('?after=gone')).toEqual([[], null]);
    // Ids are the same in either case.
    expect(await names(`?after=${A.toUpperCase()}`)).toEqual([['child'], null]);
    const { traces } = (await get(`/api/traces?before=${OTHER.toUpperCase()}`)).body as { traces: TraceSummary[] };
    expect(traces.map(({ traceId }) => traceId)).toEqual([TRACE]);
  });
});

describe('ids that are none', () => {
  const HOSTILE = [
    ...[
      'unknown',
      '__proto__',
      'constructor',
      '%00',
      '%0a',
      '%22',
      '%3Cscript%3E',
      '%2e%2e',
      '%f0%9f%98%80',
      '..%2f..%2fx',
    ],
    ...['*', '$', '%20', "'", ';', '0', 'a'.repeat(5_000), '%5C', '%E2%80%A8'],
  ];

  test.each(HOSTILE.map((id) => [id.slice(0, 40), id] as const))('%s', async (_, id) => {
    await keep();
    const traceId = decodeURIComponent(id).toLowerCase();
    expect(await get(`/api/traces/${id}`)).toMatchObject({ status: 200, body: { traceId, observations: [] } });
    expect(await get(`/api/traces/${id}/tree`)).toMatchObject({ status: 200, body: { trace: null, rows: [] } });
    expect((await get(`/api/traces/${id}/spans/${id}`)).status).toBe(404);
    expect((await get(`/api/traces/${TRACE}/spans/${id}`)).status).toBe(404);
    expect((await get(`/api/traces?before=${id}`)).body).toEqual({ traces: [], next: null });
    expect((await get(`/api/traces/${TRACE}/tree?after=${id}`)).body.rows).toEqual([]);
    expect(admin.logs).toEqual([]);
  });

  test.each(['/api/traces/%zz', '/api/traces/%ff/tree', `/api/traces/${TRACE}/spans/%c3`])('%s: 400', async (path) => {
    expect(await get(path)).toMatchObject({ status: 400, body: { error: 'the path cannot be decoded' } });
    expect(admin.logs).toEqual([]);
  });
});

describe('a trace that is large', () => {
  /** 30 MB of answer, from 10 MB of spans. */
  const SPANS = 40;
  beforeEach(async () => {
    const attributes = { 'langfuse.observation.input': '"'.repeat(250_000), copy: '\\'.repeat(100_000) };
    for (let number = 0; number < SPANS; number++) {
      await inspecting.keep(encodeSpans(numberedSpans(1, { from: number, traceId: TRACE, attributes })));
    }
  });

  test('is written as it is read', async () => {
    const answers: ServerResponse[] = [];
    admin.server.on('request', (_, response) => answers.push(response));
    const { status, headers, body } = await get(`/api/traces/${TRACE}`);
    expect([status, headers['transfer-encoding'], body.observations.length]).toEqual([200, 'chunked', SPANS]);
    expect(body.observations[0]).toMatchObject({ name: 's0', spanId: spanIdOf('s0'), input: '"'.repeat(250_000) });
    // However often it had to wait, nobody waits any more.
    expect(answers.map((answer) => [answer.listenerCount('drain'), answer.listenerCount('error')])).toEqual([[0, 0]]);
  });

  test('to somebody who goes away no further, and others are served', async () => {
    const asked = { read: 0, isOver: false };
    const { queries } = inspecting;
    const counting = await startAdmin({
      inspecting,
      traces: {
        list: (page) => queries.list(page),
        tree: (...page) => queries.tree(...page),
        span: (...ids) => queries.span(...ids),
        summaries: (ids) => queries.summaries(ids),
        async *observations(...page) {
          try {
            for await (const observation of queries.observations(...page)) {
              asked.read++;
              yield observation;
            }
          } finally {
            asked.isOver = true;
          }
        },
      },
    });
    const outgoing = request(`${counting.url}/api/traces/${TRACE}`).end();
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    // It is not read: what the system keeps for both ends is far less than all.
    await eventually(() => expect(asked.read).toBeGreaterThan(1));
    expect(asked.isOver).toBe(false);
    answer.destroy();
    await eventually(() => expect(asked.isOver).toBe(true));
    expect((await counting.get('/api/traces')).status).toBe(200);
    expect(asked.read).toBeLessThan(SPANS);
    expect(counting.logs).toEqual([]);
    await counting.close();
  });
});

test('however fast it is taken, others have their turn between observations', async () => {
  await inspecting.keepSpans(numberedSpans(10, { traceId: TRACE }));
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  const seen = new Set<number>();
  const { queries } = inspecting;
  const counting = await startAdmin({
    inspecting,
    traces: {
      list: (page) => queries.list(page),
      tree: (...page) => queries.tree(...page),
      span: (...ids) => queries.span(...ids),
      summaries: (ids) => queries.summaries(ids),
      async *observations(...page) {
        count();
        for await (const observation of queries.observations(...page)) {
          seen.add(turns);
          yield observation;
        }
        isOver = true;
      },
    },
  });
  // A clock on which each takes its time.
  let nowMs = 0;
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => {
    nowMs += 20;
    return nowMs;
  });
  const { body } = await counting.get(`/api/traces/${TRACE}`);
  clock.mockRestore();
  expect([body.observations.length, seen.size]).toEqual([10, 10]);
  await counting.close();
});

test('a list that fails is a 500 that says nothing, and a trace that fails in the middle ends', async () => {
  await keep();
  const failing = await startAdmin({
    inspecting,
    traces: {
      list: () => Promise.reject(new Error('what happened')),
      tree: () => Promise.reject(new Error('what happened')),
      span: () => Promise.reject(new Error('what happened')),
      summaries: () => [],
      async *observations(...page) {
        yield* inspecting.queries.observations(...page);
        throw new Error('what happened');
      },
    },
  });
  for (const path of ['/api/traces', `/api/traces/${TRACE}/tree`, `/api/traces/${TRACE}/spans/${A}`]) {
    expect(await failing.get(path)).toMatchObject({ status: 500, body: { error: 'internal error' } });
  }
  await expect(failing.get(`/api/traces/${TRACE}`)).rejects.toThrow(/aborted|hang up/);
  expect(failing.logs.map((line) => JSON.parse(line) as object)).toHaveLength(4);
  await failing.close();
});
