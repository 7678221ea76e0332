import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BENCH = join(__dirname, '../../bench/flood.cjs');

const run = (...options: readonly string[]) => spawnSync(process.execPath, [BENCH, ...options], { encoding: 'utf8' });

test.each([
  [['--flood', '0'], '--flood must be a whole number above 0\n'],
  [['--flood-rate', 'fast'], '--flood-rate must be a whole number above 0\n'],
  [['--bodies', 'small,huge'], '--bodies: no huge; all, or of small, beacon\n'],
])('%j is refused', (options, error) => {
  const { status, stdout, stderr } = run(...options);
  expect([status, stdout, stderr]).toEqual([1, '', error]);
});

test('the others are measured in quiet and in both floods, and lose nothing', () => {
  const { status, stdout, stderr } = run(
    ...['--rounds', '1', '--seconds', '1', '--flood', '200', '--other-rate', '20'],
  );
  expect([stderr.includes('DOES NOT COUNT'), status]).toEqual([false, 0]);
  const rows = stdout
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells[2] === '1');
  // The side, the answers to the others, and how many of their spans were lost or came twice.
  expect(rows.map((cells) => [cells[1], cells[6], ...cells.slice(-3, -1)])).toEqual([
    ['quiet', '200: 20', '0', '0'],
    ['small', '200: 20', '0', '0'],
    ['beacon', '200: 20', '0', '0'],
  ]);
  const answers = rows.map((cells) => Object.fromEntries(cells[8]!.split(', ').map((answer) => answer.split(': '))));
  const [, small, beacon] = answers as Record<string, string>[];
  for (const { 200: passed, 429: refused, ...rest } of [small!, beacon!]) {
    expect(rest).toEqual({});
    expect(Number(passed)).toBeGreaterThanOrEqual(10);
    expect(Number(passed) + Number(refused)).toBeGreaterThanOrEqual(200);
    expect(Number(refused)).toBeGreaterThan(0);
  }
}, 120_000);
