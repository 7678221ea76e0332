import type { DeadLetterList, Trouble } from '../../src/inspector/api';
import { countTroubles } from '../../ui/src/trouble/count';

interface Troubles {
  readonly rejected?: number;
  readonly refused?: readonly number[];
  readonly orphans?: number;
  readonly warned?: number;
}

const troubleOf = ({ rejected = 0, refused = [], orphans = 0, warned = 0 }: Troubles): Trouble => ({
  rejections: { total: rejected, byReason: {}, latest: [] },
  refusals: refused.map((requests) => ({
    ...{ status: 401, message: 'no key', path: '/v1/traces', userAgent: null, requests, lastAt: '' },
  })),
  orphans: { total: orphans, latest: [] },
  warnings: [{ name: 'w', text: '', spans: warned, lastAt: '', example: { traceId: 'a', spanId: 'b' } }],
});

const lettersOf = (total: number): DeadLetterList => ({ deadLetters: [], total, bytes: 0, next: null });

test.each<[name: string, troubles: Troubles, letters: number | null, count: number]>([
  ['nothing', {}, 0, 0],
  ['dead letters that are not known', {}, null, 0],
  ['rejected spans', { rejected: 3 }, 0, 3],
  ['refused requests of each kind', { refused: [2, 5] }, 0, 7],
  ['missing parents', { orphans: 4 }, 0, 4],
  ['dead letters, those that are not on the page too', {}, 6, 6],
  ['no warnings', { warned: 9 }, 0, 0],
  ['all of them', { rejected: 1, refused: [10], orphans: 100, warned: 5 }, 1_000, 1_111],
])('%s', (_, troubles, letters, count) => {
  expect(countTroubles(troubleOf(troubles), letters === null ? null : lettersOf(letters))).toBe(count);
});
