import { createClock } from '../src/clock';

function clockAt(start: { wall: number; steady: number }) {
  const times = { ...start };
  const now = createClock(
    () => times.wall,
    () => times.steady,
  );
  const pass = (ms: number) => {
    times.wall += ms;
    times.steady += ms;
  };
  return { times, now, pass };
}

test('is the wall clock, as long as that goes forwards', () => {
  const { times, now, pass } = clockAt({ wall: 1_700_000_000_000, steady: 5 });
  pass(250);
  expect(now()).toBe(times.wall);
  times.wall += 86_400_000;
  expect(now()).toBe(times.wall);
});

test('goes on from where it was when the wall clock is set back', () => {
  const { times, now, pass } = clockAt({ wall: 1_700_000_000_000, steady: 5 });
  const before = now();
  pass(40);
  times.wall -= 86_400_000;
  expect(now()).toBe(before + 40);
  pass(60);
  expect(now()).toBe(before + 100);
});

test('does not run ahead when both run at different speeds', () => {
  const { times, now } = clockAt({ wall: 1_700_000_000_000, steady: 5 });
  for (let step = 0; step < 1_000; step++) {
    times.wall += 10;
    times.steady += 11.5;
    expect(now()).toBe(times.wall);
  }
});
