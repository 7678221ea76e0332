import type { TraceSummary } from '../../src/inspector/api';
import type { TraceFilter } from '../../src/inspector/trace-filter';
import { type GivenSpan, having, jsonOf } from '../commands/explain-runs';
import { type Inspecting, startInspecting } from '../support/inspecting';
import { after2026 } from '../support/observations';
import type { SpanToSend } from '../support/trace-request';

const idOf = (number: number) => number.toString(16).padStart(32, 'f');
const keepJson = ({ keep }: Inspecting, ...spans: GivenSpan[]) =>
  keep(Buffer.from(jsonOf(...spans)), { format: 'json' });

/** Starts at that time after 2026 began. */
const startingAt = (ms: number): GivenSpan => {
  const nanos = `${BigInt(Date.parse(after2026(ms))) * 1_000_000n}`;
  return { fields: { startTimeUnixNano: nanos, endTimeUnixNano: nanos } };
};

test('none', async () => {
  const { list } = startInspecting();
  expect(await list()).toEqual({ traces: [], next: null });
  expect(await list({ rejected: true, warnings: true, text: 'x' })).toEqual({ traces: [], next: null });
});

describe('paging', () => {
  const inspecting = startInspecting();
  const [t1, t2, t3, t4, t5] = [1, 2, 3, 4, 5].map(idOf) as [string, string, string, string, string];
  beforeAll(async () => {
    for (const [at, traceId] of [t1, t2, t3, t4, t5].entries()) {
      await keepJson(inspecting, {
        ...startingAt((at + 1) * 1_000),
        traceId,
        attributes: at % 2 ? {} : { 'user.id': 'odd' },
      });
    }
  });

  test.each<[name: string, page: { limit?: number; before?: string }, expected: string[], next: string | null]>([
    ['all', {}, [t5, t4, t3, t2, t1], null],
    ['a first page', { limit: 2 }, [t5, t4], t4],
    ['the next page', { limit: 2, before: t4 }, [t3, t2], t2],
    ['the last page', { limit: 2, before: t2 }, [t1], null],
    ['a last page that is full', { limit: 2, before: t3 }, [t2, t1], null],
    ['beyond the last', { limit: 2, before: t1 }, [], null],
    ['before a time', { before: after2026(3_000) }, [t2, t1], null],
    ['before a time, a page of it', { before: after2026(4_000), limit: 2 }, [t3, t2], t2],
    ['before a day', { before: '2026-01-01' }, [], null],
    ['before the next day', { before: '2026-01-02', limit: 1 }, [t5], t5],
    ['before the beginning of time', { before: '1970-01-01T00:00:00Z' }, [], null],
    [
      'a trace that is forgotten: no first page again, or a reader would turn in circles',
      { before: idOf(9) },
      [],
      null,
    ],
    ['what is neither', { before: 'yesterday' }, [], null],
  ])('%s', async (_, page, expected, next) => {
    const { traces, next: after } = await inspecting.list({}, page);
    expect([traces.map(({ traceId }) => traceId), after]).toEqual([expected, next]);
  });

  test.each([1, 2, 3, 4, 5, 6])('pages of %i are the whole list, with a filter too', async (limit) => {
    const read = async (filter: TraceFilter) => {
      const found: string[] = [];
      for (let before: string | null | undefined; before !== null; ) {
        const { traces, next } = await inspecting.list(filter, before === undefined ? { limit } : { limit, before });
        found.push(...traces.map(({ traceId }) => traceId));
        before = next;
      }
      return found;
    };
    expect(await read({})).toEqual([t5, t4, t3, t2, t1]);
    expect(await read({ user: 'odd' })).toEqual([t5, t3, t1]);
  });
});

describe.each(['full', 'metadata'] as const)('filters, %s', (mode) => {
  const inspecting = startInspecting({ mode });
  const [chat, tool, plain] = [1, 2, 3].map(idOf) as [string, string, string];
  const [root, child] = ['00000000000000ab', '00000000000000cd'];
  beforeAll(async () => {
    await keepJson(
      inspecting,
      {
        ...having({
          'session.id': 'Session-7',
          'langfuse.trace.tags': ['Blue', 'größe'],
          'langfuse.trace.name': 'Morning',
        }),
        ...{ name: 'Root Span', traceId: chat, spanId: root, resource: { 'service.name': 'Web-App' } },
      },
      {
        ...having({ 'user.id': 'Ada', 'gen_ai.request.model': 'Gpt-9', 'gen_ai.prompt': 'Dear diary' }),
        ...{ name: 'child', traceId: chat, spanId: child, parentSpanId: root },
        ...{ resource: { 'service.name': 'worker' }, status: { code: 2, message: 'Out of ink' } },
        events: [{ name: 'exception', attributes: { 'exception.message': 'No paper' } }],
      },
    );
    await keepJson(inspecting, {
      ...having({ 'gen_ai.tool.name': 'search', 'session.id': 's', 'user.id': 'Ada Lovelace' }),
      traceId: tool,
    });
    await keepJson(inspecting, {
      ...having({ 'session.id': 's', 'langfuse.trace.tags': [] }),
      traceId: plain,
    });
  });

  test.each<[name: string, filter: TraceFilter, expected: string[]]>([
    ['nothing', {}, [plain, tool, chat]],
    ['empty texts', { text: '', service: '', session: '', user: '', type: '' }, [plain, tool, chat]],
    ['service', { service: 'worker' }, [chat]],
    ['part of a service', { service: 'eb-' }, [chat]],
    ['service in lower case', { service: 'web-app' }, [chat]],
    ['a service nobody is', { service: 'web-apps' }, []],
    ['session', { session: 'Session-7' }, [chat]],
    ['part of a session, in capitals', { session: 'SION' }, [chat]],
    ['sessions', { session: 's' }, [plain, tool, chat]],
    ['user', { user: 'ada' }, [tool, chat]],
    ['a user nobody is', { user: 'grace' }, []],
    ['type', { type: 'GENERATION' }, [chat]],
    ['type in lower case', { type: 'tool' }, [tool]],
    ['a type there is not', { type: 'toString' }, []],
    ['warnings', { warnings: true }, [plain]],
    ['rejected', { rejected: true }, []],
    [
      'all have to hold, on whatever span',
      { service: 'worker', session: '7', user: 'Ada', type: 'span', text: 'ROOT' },
      [chat],
    ],
    ['all have to hold', { service: 'worker', user: 'Lovelace' }, []],
    ['text: the trace id', { text: tool.slice(8) }, [tool]],
    ['text: the trace id in capitals', { text: tool.slice(8).toUpperCase() }, [tool]],
    ['text: a span id', { text: '00CD' }, [chat]],
    ['text: a name', { text: 'root span' }, [chat]],
    ['text: the name of a trace', { text: 'MORN' }, [chat]],
    ['text: a model', { text: 'gpt-9' }, [chat]],
    ['text: a session', { text: 'sESSION-' }, [chat]],
    ['text: a user', { text: 'lovelace' }, [tool]],
    ['text: a service', { text: 'web-APP' }, [chat]],
    ['text: a tag', { text: 'bLue' }, [chat]],
    ['text: a tag with other letters', { text: 'GRÖSSE'.replace('SS', 'ß') }, [chat]],
    ['text that is nowhere', { text: 'dear diaries' }, []],
  ])('%s', async (_, filter, expected) => expect(await inspecting.traceIds(filter)).toEqual(expected));

  test.each<[name: string, text: string]>([
    ['a prompt', 'Dear diary'],
    ['a status message', 'Out of ink'],
    ['an event', 'No paper'],
    ['a key', 'gen_ai.prompt'],
  ])('text of people: %s', async (_, text) => {
    expect(await inspecting.traceIds({ text })).toEqual(mode === 'full' ? [chat] : []);
    // Of either case only where lists show it.
    expect(await inspecting.traceIds({ text: text.toUpperCase() })).toEqual([]);
  });
});

describe('traces with rejected spans', () => {
  const bad = (traceId: string, name: string): SpanToSend => ({ traceId, name, spanId: '0'.repeat(16) });
  const [some, lost, latest, whole] = [1, 2, 3, 4].map(idOf) as [string, string, string, string];
  const inspecting = startInspecting({ mode: 'metadata' });
  let atMs = 0;
  beforeAll(async () => {
    const attributes = { 'session.id': 's', 'user.id': 'u' };
    await inspecting.keepSpans([{ traceId: some, name: 's1', attributes }, bad(some, 's2'), bad(lost, 'Lost One')]);
    await inspecting.keepSpans([{ traceId: whole, name: 's3', attributes }, bad(lost, '')]);
    await inspecting.keepSpans([bad(latest, 'last')]);
    atMs = inspecting.judging.now();
  });
  const summaryOf = async (filter: TraceFilter, id: string) =>
    (await inspecting.list(filter)).traces.find(({ traceId }) => traceId === id);

  test('they are told of where something of them came', async () => {
    expect(await inspecting.traceIds()).toEqual([whole, some]);
    expect(await summaryOf({}, some)).toMatchObject({ observations: 1, rejected: 1 });
    expect(await summaryOf({}, whole)).toMatchObject({ observations: 1, rejected: 0 });
  });

  test('those of which nothing came are found only by asking for them, and come last', async () => {
    expect(await inspecting.traceIds({ rejected: true })).toEqual([some, latest, lost]);
    const time = new Date(atMs).toISOString();
    expect(await summaryOf({ rejected: true }, latest)).toEqual<TraceSummary>({
      ...{
        traceId: latest,
        name: 'last',
        observations: 0,
        startTime: time,
        durationMs: 0,
        sessionId: null,
        userId: null,
      },
      ...{ warnings: 0, repairs: 0, rejected: 1, services: [], types: {}, errors: 0, tokens: null, cost: null },
      lastSeenAt: time,
    });
    expect(await summaryOf({ rejected: true }, lost)).toMatchObject({ rejected: 2, observations: 0 });
  });

  test.each<[name: string, filter: TraceFilter, expected: string[]]>([
    ['the text of an id', { text: lost.slice(20) }, [lost]],
    ['the text of a name', { text: 'LAST' }, [latest]],
    ['a text that is not there', { text: 'first' }, []],
    ['a session', { session: 's' }, [some]],
    ['a type', { type: 'span' }, [some]],
    ['warnings', { warnings: true }, []],
  ])('other filters hold for them, too: %s', async (_, filter, expected) => {
    expect(await inspecting.traceIds({ ...filter, rejected: true })).toEqual(expected);
  });

  test.each<[name: string, page: { limit?: number; before?: string }, expected: string[], next: string | null]>([
    ['a page that ends with what came', { limit: 1 }, [some], some],
    ['behind it', { limit: 1, before: some }, [latest], latest],
    ['behind one of which nothing came', { limit: 1, before: latest }, [lost], null],
    ['beyond the last', { before: lost }, [], null],
    ['behind one that is forgotten', { before: idOf(9) }, [], null],
  ])('paging: %s', async (_, page, expected, next) => {
    const { traces, next: after } = await inspecting.list({ rejected: true }, page);
    expect([traces.map(({ traceId }) => traceId), after]).toEqual([expected, next]);
  });
});
