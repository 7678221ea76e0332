import { type Counted, FlowWatch } from '../../src/inspector/flow';

const NONE: Counted = {
  ...{ accepted: 0, delivered: 0, rejected: 0, deadLettered: 0, queued: 0, missingSession: 0, missingUser: 0 },
};

let watch: FlowWatch;
let counted: Counted;
const count = (changes: Partial<Counted>) => {
  counted = { ...counted, ...changes };
};
beforeEach(() => {
  jest.useFakeTimers();
  // What was counted before somebody watches is no flow.
  counted = { ...NONE, accepted: 100, delivered: 90, rejected: 7, queued: 10, missingSession: 50 };
  watch = new FlowWatch(() => counted);
});
afterEach(() => {
  watch.close();
  jest.useRealTimers();
});

const steps = (number: number) => jest.advanceTimersByTime(number * 5_000);

test('nothing yet: one step, which is not over', () => {
  expect(watch.flow()).toEqual({
    ...{ stepSeconds: 5, accepted: [0], delivered: [0], rejected: [0], deadLettered: [0], queued: [10] },
  });
  expect(watch.coverage()).toEqual({ spans: 0, withSession: 0, withUser: 0 });
});

test('what flowed in each step, and what was queued at its end', () => {
  count({ accepted: 103, rejected: 8, queued: 13 });
  jest.advanceTimersByTime(4_999);
  expect(watch.flow()).toMatchObject({ accepted: [3], rejected: [1], queued: [13] });
  jest.advanceTimersByTime(1);
  count({ accepted: 104, delivered: 104, deadLettered: 2, queued: 0 });
  expect(watch.flow()).toEqual({
    ...{
      stepSeconds: 5,
      accepted: [3, 1],
      delivered: [0, 14],
      rejected: [1, 0],
      deadLettered: [0, 2],
      queued: [13, 0],
    },
  });
  steps(2);
  expect(watch.flow()).toMatchObject({ accepted: [3, 1, 0, 0], queued: [13, 0, 0, 0] });
});

test('fifteen minutes, no more', () => {
  count({ accepted: 105 });
  steps(179);
  expect(watch.flow().accepted).toEqual([5, ...Array<number>(179).fill(0)]);
  count({ accepted: 106 });
  steps(1);
  const { accepted, queued } = watch.flow();
  expect([accepted.length, queued.length, accepted.slice(0, 2), accepted.slice(-2)]).toEqual([
    180,
    180,
    [0, 0],
    [1, 0],
  ]);
  steps(10_000);
  expect(watch.flow().accepted).toHaveLength(180);
});

test('how many spans of that time name a session and a user', () => {
  count({ accepted: 110, missingSession: 54, missingUser: 10 });
  expect(watch.coverage()).toEqual({ spans: 10, withSession: 6, withUser: 0 });
  steps(179);
  expect(watch.coverage()).toMatchObject({ spans: 10 });
  steps(1);
  expect(watch.coverage()).toEqual({ spans: 0, withSession: 0, withUser: 0 });
});

test('closed it leaves no timer', () => {
  watch.close();
  expect(jest.getTimerCount()).toBe(0);
});
