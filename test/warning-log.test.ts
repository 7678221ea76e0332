import pino from 'pino';
import { WARNINGS, type WarningName } from '../src/admission/warnings';
import { observe } from '../src/langfuse/observation/observation';
import { createWarningLog } from '../src/warning-log';
import { buildSpan } from './support/span-builder';

const SESSION = 'session_id_missing';
const FIRST = { traceId: 'a1', spanId: 'b1' };
const LATER = { traceId: 'a2', spanId: 'b2' };
const LEVELS = { 30: 'info', 40: 'warn' } as const;

/** Lines as they are read, and a clock to be set. */
function start() {
  const clock = { ms: 1_000_000 };
  const lines: { level: keyof typeof LEVELS; warning: WarningName; spans: number; msg: string }[] = [];
  const log = pino({ base: undefined, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line)) });
  return { clock, lines, ...createWarningLog({ log, now: () => clock.ms }) };
}

/** The line of a warning that is told of for the first time. */
function lineOf(warning: WarningName) {
  const { lines, tell } = start();
  tell(warning, { spans: 1, ...FIRST });
  return lines[0]!;
}

test('the first of a kind is told of at once: what it is, what to do, and where to look', () => {
  const { lines, tell } = start();
  tell(SESSION, { spans: 3, ...FIRST });
  const msg =
    '3 span(s) without a session id (session.id): set it, or langfuse.session.id, on them, on their resource or on another span of their trace; Langfuse shows no session for them';
  expect(lines).toEqual([{ level: 30, warning: SESSION, spans: 3, ...FIRST, msg }]);
});

test('then one line a minute, with all that came since and the ids of the first of them', () => {
  const { clock, lines, tell } = start();
  tell(SESSION, { spans: 3, ...FIRST });
  tell(SESSION, { spans: 4, ...LATER });
  clock.ms += 59_999;
  tell(SESSION, { spans: 5, traceId: 'a3', spanId: 'b3' });
  expect(lines).toHaveLength(1);
  clock.ms += 1;
  tell(SESSION, { spans: 6, traceId: 'a4', spanId: 'b4' });
  expect(lines.slice(1)).toMatchObject([{ spans: 15, ...LATER, msg: expect.stringMatching(/^15 span/) }]);
});

test('the minute begins anew with each line, and what was told of is not told of again', () => {
  const { clock, lines, tell } = start();
  for (let minute = 0; minute < 3; minute++) {
    for (let span = 0; span < 10; span++) {
      tell(SESSION, { spans: 1, traceId: `a${minute}`, spanId: `b${span}` });
      clock.ms += 6_000;
    }
  }
  expect(lines).toMatchObject([
    { spans: 1, traceId: 'a0', spanId: 'b0' },
    { spans: 10, traceId: 'a0', spanId: 'b1' },
    { spans: 10, traceId: 'a1', spanId: 'b1' },
  ]);
});

test('after a long silence the next is told of at once', () => {
  const { clock, lines, tell } = start();
  tell(SESSION, { spans: 3, ...FIRST });
  clock.ms += 86_400_000;
  expect(lines).toHaveLength(1);
  tell(SESSION, { spans: 1, ...LATER });
  expect(lines.slice(1)).toMatchObject([{ spans: 1, ...LATER }]);
});

test('kinds do not wait for each other, nor are they counted together', () => {
  const { clock, lines, tell } = start();
  tell(SESSION, { spans: 3, ...FIRST });
  tell('orphan_parent', { spans: 2, ...LATER });
  tell('orphan_parent', { spans: 5, ...FIRST });
  clock.ms += 60_000;
  tell(SESSION, { spans: 1, ...FIRST });
  expect(lines.map(({ warning, spans }) => [warning, spans])).toEqual([
    [SESSION, 3],
    ['orphan_parent', 2],
    [SESSION, 1],
  ]);
});

test('levels: what may be meant so is information, what Langfuse shows wrong is a warning', () => {
  expect(Object.fromEntries(WARNINGS.map((warning) => [warning, LEVELS[lineOf(warning).level]]))).toEqual({
    session_id_missing: 'info',
    user_id_missing: 'info',
    id_repaired: 'info',
    parent_unreadable: 'warn',
    link_dropped: 'warn',
    orphan_parent: 'warn',
    trace_context_refused: 'warn',
    end_before_start: 'warn',
    start_absent: 'warn',
    times_absent: 'warn',
    prompt_without_version: 'warn',
  });
});

test('every message can be read by itself, and no two say the same', () => {
  const messages = WARNINGS.map((warning) => lineOf(warning).msg);
  const sentence = expect.stringMatching(/^1 span\(s\) (?:with|without|whose|in) [^:]{8,60}: \S.{30,240}[^.]$/);
  expect(messages).toEqual(WARNINGS.map(() => sentence));
  expect(new Set(messages.map((message) => message.split(': ')[1])).size).toBe(WARNINGS.length);
});

test.each([
  ['session_id_missing', ['session.id', 'langfuse.session.id'], 'sessionId'],
  ['user_id_missing', ['user.id', 'langfuse.user.id'], 'userId'],
  ['prompt_without_version', ['langfuse.observation.prompt.version'], 'promptVersion'],
] as const)('%s: the attributes it asks for are those that Langfuse reads', (warning, keys, field) => {
  const { msg } = lineOf(warning);
  expect(msg.match(/\b[a-z]+(?:\.[a-z]+)+\b/g)).toEqual(keys);
  const generation = { 'langfuse.observation.type': 'generation', 'langfuse.observation.prompt.name': 'greeting' };
  const shown = keys.map((key) => observe(buildSpan({ attributes: { ...generation, [key]: 7 } }))[field]);
  expect(shown.map(String)).toEqual(keys.map(() => '7'));
});
