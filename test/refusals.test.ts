import pino from 'pino';
import { GATE_REFUSALS, type RefusedRequest } from '../src/receiver/gate';
import { createRefusalTelling } from '../src/refusals';

function start() {
  const clock = { ms: 1_000 };
  const lines: Record<string, unknown>[] = [];
  const counted: unknown[] = [];
  const log = pino({ base: undefined, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const tell = createRefusalTelling({ metrics: { refused: (one) => counted.push(one) }, log, now: () => clock.ms });
  const refuse = (changes: Partial<RefusedRequest> = {}) =>
    tell({ reason: 'origin', key: 'web', origin: 'https://a.example', ...changes });
  return { clock, lines, counted, refuse };
}

test('the first of a kind at once, then one line a minute with the number of all and their origins', () => {
  const { clock, lines, counted, refuse } = start();
  refuse();
  refuse({ origin: 'https://b.example' });
  refuse({ origin: 'https://c.example' });
  refuse({ origin: 'https://b.example' });
  expect(lines).toMatchObject([{ reason: 'origin', key: 'web', origins: ['https://a.example'], requests: 1 }]);
  clock.ms += 60_000;
  refuse({ origin: undefined });
  expect(lines.slice(1)).toMatchObject([{ requests: 4, origins: ['https://b.example', 'https://c.example'] }]);
  expect(lines[1]!.msg).toMatch(/^4 request\(s\) with key web refused: its origin .* add it/);
  expect(counted).toHaveLength(5);
  expect(counted).toContainEqual({ reason: 'origin', key: 'web' });
});

test('each key and each reason has its own minute', () => {
  const { lines, refuse } = start();
  for (const reason of GATE_REFUSALS) for (const key of ['web', 'shop', undefined]) refuse({ reason, key });
  expect(lines).toHaveLength(3 * GATE_REFUSALS.length);
});

test('what anybody may write into a header is cut, and no more than ten of them are kept', () => {
  const { clock, lines, refuse } = start();
  refuse({ origin: 'x'.repeat(10_000) });
  expect((lines[0]!.origins as string[])[0]).toHaveLength(200);
  for (let at = 0; at < 1000; at += 1) refuse({ origin: `https://${at}.example` });
  clock.ms += 60_000;
  refuse();
  expect(lines[1]).toMatchObject({ requests: 1001 });
  expect(lines[1]!.origins).toHaveLength(10);
});
