import { createTurns } from '../../src/receiver/turns';

/** Work that ends when it is told to. */
function pending() {
  let end!: (error?: Error) => void;
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error));
  });
  return { ended, end };
}

const rounds = async () => {
  for (let i = 0; i < 3; i += 1) await new Promise(setImmediate);
};

test('so many run at once, the others in their order, and one that fails hands its turn on', async () => {
  const turns = createTurns(2);
  const works = Array.from({ length: 5 }, pending);
  const begun: number[] = [];
  const results = works.map(({ ended }, i) =>
    turns.run(async () => {
      begun.push(i);
      await ended;
      return i;
    }),
  );
  await rounds();
  expect(begun).toEqual([0, 1]);
  works[1]!.end(new Error('failed'));
  await expect(results[1]).rejects.toThrow('failed');
  await rounds();
  expect(begun).toEqual([0, 1, 2]);
  for (const { end } of works) end();
  expect(await Promise.allSettled(results)).toMatchObject([
    { value: 0 },
    { status: 'rejected' },
    { value: 2 },
    { value: 3 },
    { value: 4 },
  ]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  // Every turn has come back.
  const later = [pending(), pending(), pending()];
  const running = later.map(({ ended }, i) =>
    turns.run(() => {
      begun.push(10 + i);
      return ended;
    }),
  );
  await rounds();
  expect(begun.slice(5)).toEqual([10, 11]);
  for (const { end } of later) end();
  await Promise.all(running);
  expect(begun.slice(5)).toEqual([10, 11, 12]);
});

test('others are heard between two pieces of work that hold up the event loop', async () => {
  const turns = createTurns(1);
  const seen: string[] = [];
  const first = turns.run(async () => {
    setImmediate(() => seen.push('other'));
    seen.push('first');
  });
  const second = turns.run(async () => void seen.push('second'));
  await Promise.all([first, second]);
  expect(seen).toEqual(['first', 'other', 'second']);
});
