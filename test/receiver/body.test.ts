import { GatewayError } from '../../src/errors';
import { createDoorBudget } from '../../src/receiver/body';

const start = () => createDoorBudget({ bytesMax: 100, random: () => 0.99 });

/** The 503 of a door that is full; its Retry-After comes from `random`. */
function expectFull(act: () => unknown): void {
  let refusal: unknown;
  try {
    act();
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(GatewayError);
  expect(refusal).toMatchObject({ code: 'unavailable', headers: { 'Retry-After': '5' } });
}

test('what is announced takes no room, what is there does', () => {
  const door = start();
  const [first] = [door.enter(100), door.enter(100), door.enter(100)];
  first.hold(60);
  expectFull(() => door.enter(41));
  door.enter(40).hold(40);
  expectFull(() => door.enter(0));
});

test('the sum never exceeds the bound: who would grow beyond it is refused and keeps what it had', () => {
  const door = start();
  const [first, second] = [door.enter(0), door.enter(0)];
  first.hold(60);
  second.hold(40);
  expectFull(() => second.hold(41));
  first.leave();
  second.hold(100);
  expectFull(() => door.enter(0));
});

test('a body that becomes smaller gives room back, and one that left gives all', () => {
  const door = start();
  const [first, second] = [door.enter(0), door.enter(0)];
  first.hold(90);
  first.hold(10);
  second.hold(90);
  first.leave();
  first.leave();
  second.leave();
  const third = door.enter(100);
  third.hold(100);
  expectFull(() => door.enter(1));
});

test('one body alone is bounded by its own limit only', () => {
  const door = start();
  const alone = door.enter(150);
  alone.hold(150);
  expectFull(() => door.enter(1));
  alone.leave();
  door.enter(1);
});
