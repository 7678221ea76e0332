import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BENCH = join(__dirname, '../../bench/run.cjs');

/** A bench that does not get as far as measuring. */
function refused(...options: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BENCH, '--spans', '0', ...options], {
    encoding: 'utf8',
  });
  expect([status, stdout]).toEqual([1, '']);
  return stderr;
}

test.each(['discard', 'discard,stock', 'other-memory'])('another build is measured beside %s', (sides) => {
  const error = refused('--other', 'no-such-build.js', '--sides', sides);
  expect(error).toMatch(/^other-memory: .+no-such-build\.js is missing/);
});

test('without one there is no such side', () => {
  expect(refused('--sides', 'discard')).toBe('--spans must be a whole number above 0\n');
  expect(refused('--sides', 'other-memory')).toContain('--sides: no other-memory');
});
