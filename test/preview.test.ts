import pino from 'pino';
import type { Judgement } from '../src/judge';
import { createPreview } from '../src/preview';
import { receivedSpans } from './support/admission';
import { startJudging } from './support/judging';
import { encodeSpans, numberedSpans } from './support/trace-request';

const start = () => createPreview({ adminUrl: () => '', log: pino({ level: 'silent' }) });

/** With the positions whose notes somebody has asked for. */
function watched(judgement: Judgement) {
  const asked: number[] = [];
  const notes: Judgement['notes'] = (position) => {
    asked.push(position);
    return judgement.notes(position);
  };
  return { asked, judgement: { ...judgement, notes } };
}

test('the notes of a span are there when it arrives', async () => {
  const judgement = await startJudging().judge(encodeSpans(numberedSpans(2, { attributes: { 'session.id': 's' } })));
  const preview = start();
  preview.judged(judgement);
  for (const span of receivedSpans(judgement.bytes)) preview.keep(span);
  const { traceId } = receivedSpans(judgement.bytes)[0]!.spanContext();
  const notes = { repairs: [], warnings: ['user_id_missing'] };
  expect(preview.traces.observations(traceId)).toMatchObject([notes, notes]);
});

test('of more spans than notes are kept only the last are looked at, and the last has its own', async () => {
  const { asked, judgement } = watched(await startJudging().judge(encodeSpans(numberedSpans(10_003))));
  const preview = start();
  preview.judged(judgement);
  expect([asked.length, asked[0], asked.at(-1)]).toEqual([10_000, 3, 10_002]);
  const last = receivedSpans(judgement.bytes).at(-1)!;
  preview.keep(last);
  const { traceId } = last.spanContext();
  expect(preview.traces.observations(traceId)).toMatchObject([
    { name: last.name, warnings: ['session_id_missing', 'user_id_missing'] },
  ]);
});
