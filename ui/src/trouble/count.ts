import type { DeadLetterList, Trouble } from '../../../src/inspector/api';

/** Rejected spans, refused requests, missing parents and dead letters. Warnings are advice and do not count. */
export function countTroubles(trouble: Trouble, deadLetters: DeadLetterList | null): number {
  const refused = trouble.refusals.reduce((sum, { requests }) => sum + requests, 0);
  return trouble.rejections.total + refused + trouble.orphans.total + (deadLetters?.total ?? 0);
}
