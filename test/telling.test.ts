import pino from 'pino';
import { createMetrics } from '../src/admin/metrics';
import { REJECTIONS } from '../src/admission/admit';
import { createLedger } from '../src/ledger';
import { createTelling } from '../src/telling';
import { startJudging } from './support/judging';
import { type Fields, requestOf, spanOf } from './support/otlp-twins';

/** Requests that are judged and told of, the lines about rejections as they are read, and a clock to be set. */
function start() {
  const clock = { ms: 1_000_000 };
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: undefined, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const metrics = createMetrics({
    totals: createLedger().totals,
    queue: () => ({ items: 0, bytes: 0, oldestOfferedAtMs: undefined }),
    storage: () => ({
      ...{ deadLetters: { letters: 0, bytes: 0 }, expiredLetters: 0 },
      ...{ damagedRecords: 0, isSick: false },
    }),
    ...{ queueBytesMax: 1, isUp: () => true, now: () => clock.ms },
    ...{
      destinations: [],
      refusals: [],
      repairs: [],
      warnings: [],
      contextOutcomes: [],
      mediaOutcomes: [],
      rejections: REJECTIONS,
      keys: [],
      gateRefusals: [],
    },
  });
  const telling = createTelling({ metrics, log, now: () => clock.ms });
  const { send } = startJudging();
  return {
    clock,
    tell: async (...spans: Fields[]) => telling.judged((await send(requestOf(...spans), { format: 'json' })).judgement),
    rejections: () => lines.filter(({ reasons }) => reasons !== undefined),
    counted: async (reason: string) => {
      const [, value] = (await metrics.text()).split(`gateway_receiver_rejected_spans_total{reason="${reason}"} `);
      return Number(value?.split('\n')[0]);
    },
  };
}

const BAD_TRACE = spanOf({ traceId: 'ff' });
const BAD_SPAN = spanOf({ spanId: '' });
const at = (index: number) => `resourceSpans[0].scopeSpans[0].spans[${index}]`;
const NO_TRACE_ID = 'is not an id: 32 hex digits, a UUID, or base64 of 16 bytes';

test('the first rejection of a reason is told of at once: how many, where the first is and what would be right', async () => {
  const { tell, rejections } = start();
  await tell(spanOf(), BAD_TRACE, BAD_SPAN, BAD_TRACE);
  expect(rejections()).toEqual([
    {
      ...{ level: 40, reasons: { invalid_trace_id: 2 }, field: `${at(1)}.traceId` },
      msg: `2 span(s) rejected, the first because ${at(1)}.traceId ${NO_TRACE_ID}`,
    },
    {
      ...{ level: 40, reasons: { invalid_span_id: 1 }, field: `${at(2)}.spanId` },
      msg: `1 span(s) rejected, the first because ${at(2)}.spanId is missing, all zero, or not of 8 bytes`,
    },
  ]);
});

test('then one line per reason and minute, with all that were rejected since; the metrics have every one', async () => {
  const { clock, tell, rejections, counted } = start();
  await tell(BAD_TRACE);
  await tell(spanOf(), BAD_TRACE);
  for (let request = 0; request < 148; request++) await tell(BAD_TRACE);
  expect(rejections()).toHaveLength(1);
  await tell(BAD_SPAN);
  clock.ms += 60_000;
  await tell(BAD_TRACE, BAD_TRACE);
  const later = { reasons: { invalid_trace_id: 151 }, field: `${at(1)}.traceId` };
  expect(rejections().slice(1)).toMatchObject([{ reasons: { invalid_span_id: 1 } }, later]);
  expect([await counted('invalid_trace_id'), await counted('invalid_span_id')]).toEqual([152, 1]);
});

test('a request whose spans are all accepted says nothing of rejections', async () => {
  const { tell, rejections } = start();
  await tell(spanOf());
  expect(rejections()).toEqual([]);
});
