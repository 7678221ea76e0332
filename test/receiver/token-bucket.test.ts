import { TokenBucket } from '../../src/receiver/token-bucket';

/** 10 tokens a second, room for 50. */
const createBucket = () => new TokenBucket({ perSecond: 10, burstSeconds: 5 });

/** What `take` is to somebody who heeds `waitS`: the seconds to wait, or 0 and the tokens are taken. */
function tryTake(bucket: TokenBucket, tokens: number, atMs: number): number {
  const waitS = bucket.waitS(tokens, atMs);
  if (waitS === 0) bucket.take(tokens, atMs);
  return waitS;
}

describe('a token bucket', () => {
  test.each<[string, [tokens: number, atMs: number, waitS: number][]]>([
    ['is full at first', [[50, 0, 0]]],
    ['is full at first whatever the time', [[50, 1_750_000_000_000, 0]]],
    [
      'is empty when it was taken',
      [
        [50, 0, 0],
        [1, 0, 1],
      ],
    ],
    [
      'fills at its rate',
      [
        [50, 0, 0],
        [10, 999, 1],
        [10, 1000, 0],
        [1, 1000, 1],
        [1, 1100, 0],
      ],
    ],
    [
      'says whole seconds, rounded up',
      [
        [50, 0, 0],
        [10, 0, 1],
        [11, 0, 2],
        [20, 0, 2],
        [21, 0, 3],
        [21, 100, 2],
      ],
    ],
    [
      'has no room for more than its capacity',
      [
        [50, 0, 0],
        [50, 1_000_000, 0],
        [1, 1_000_000, 1],
      ],
    ],
    [
      'takes nothing when it refuses',
      [
        [45, 0, 0],
        [6, 0, 1],
        [5, 0, 0],
      ],
    ],
    [
      'lets a request larger than its capacity pass when it is full, into debt',
      [
        [80, 0, 0],
        [0, 0, 3],
        [1, 3000, 1],
        [1, 3100, 0],
      ],
    ],
    [
      'makes a larger one wait until it is full',
      [
        [1, 0, 0],
        [80, 0, 1],
        [80, 99, 1],
        [80, 100, 0],
      ],
    ],
    [
      'lets nothing pass for nothing while it is in debt',
      [
        [51, 0, 0],
        [0, 99, 1],
        [0, 100, 0],
      ],
    ],
  ])('%s', (_, requests) => {
    const bucket = createBucket();
    expect(requests.map(([tokens, atMs]) => tryTake(bucket, tokens, atMs))).toEqual(
      requests.map(([, , waitS]) => waitS),
    );
  });

  test('smaller than one token lets one request pass when it is full', () => {
    const bucket = new TokenBucket({ perSecond: 0.25, burstSeconds: 2 });
    expect(tryTake(bucket, 1, 0)).toBe(0);
    expect(tryTake(bucket, 1, 0)).toBe(4);
    expect(tryTake(bucket, 1, 3999)).toBe(1);
    expect(tryTake(bucket, 1, 4000)).toBe(0);
  });

  test('gives back what was taken, and not more than it has room for', () => {
    const bucket = createBucket();
    bucket.take(30, 0)();
    expect(bucket.isFull(0)).toBe(true);
    const giveBack = bucket.take(30, 0);
    bucket.take(20, 0);
    giveBack();
    expect(bucket.waitS(30, 0)).toBe(0);
    expect(bucket.waitS(31, 0)).toBe(1);
    const late = bucket.take(30, 0);
    late();
    bucket.take(0, 5000);
    expect(bucket.isFull(5000)).toBe(true);
  });

  test('is full exactly after any share of a token was given back', () => {
    const bucket = new TokenBucket({ perSecond: 10.1, burstSeconds: 1 });
    bucket.take(3, 0)();
    expect(bucket.isFull(0)).toBe(true);
  });

  test('lets off what is beyond the largest debt, and gives back only what it took', () => {
    const bucket = createBucket();
    bucket.take(40, 0, 20);
    const giveBack = bucket.take(100, 0, 20);
    expect(bucket.waitS(0, 0)).toBe(2);
    bucket.take(1, 0, 20);
    expect(bucket.waitS(0, 0)).toBe(2);
    giveBack();
    expect(bucket.waitS(10, 0)).toBe(0);
    expect(bucket.waitS(11, 0)).toBe(1);
  });
});
