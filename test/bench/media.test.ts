import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BENCH = join(__dirname, '../../bench/media.cjs');

const run = (...options: readonly string[]) => spawnSync(process.execPath, [BENCH, ...options], { encoding: 'utf8' });

test.each([
  [['--rounds', '0'], '--rounds must be a whole number above 0\n'],
  [['--media', 'download'], '--media: no download; all, or of inline, upload\n'],
  [['--workload', 'films'], '--workload: no films; all, or of images, parts, events, schemes, heads\n'],
])('%j is refused', (options, error) => {
  const { status, stdout, stderr } = run(...options);
  expect([status, stdout, stderr]).toEqual([1, '', error]);
});

test('spans with images and without count, kept in the span and uploaded', () => {
  const { status, stdout } = run('--rounds', '1', '--workload', 'parts,heads', '--encoding', 'protobuf');
  expect(status).toBe(0);
  expect(stdout).not.toContain('does not count');
  const rows = stdout.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  expect(rows.filter((cells) => cells[2] === 'protobuf').map((cells) => cells.slice(1, 5).join(' '))).toEqual(
    [
      [5, 10, 20],
      [0.5, 1, 2],
    ].flatMap((sizes) => ['inline', 'upload'].flatMap((media) => sizes.map((size) => `${size} protobuf ${media} 1`))),
  );
  // The gateway's own process has told of its event loop.
  for (const cells of rows.filter((one) => one[2] === 'protobuf')) {
    const [delayMs = 0, busyMs = 0] = [cells[6], cells[7]].map((cell) => Number.parseFloat(cell!));
    expect(Math.min(delayMs, busyMs)).toBeGreaterThan(0);
  }
}, 120_000);
