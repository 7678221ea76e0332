import { addressGroup } from '../../src/receiver/address-shares';
import { type Charge, createKeyLimits, type KeyBounds, type LimitRefusal } from '../../src/receiver/key-limits';

const NOON = Date.UTC(2026, 1, 28, 12);
const MIDNIGHT = Date.UTC(2026, 2, 1);
const DAY_MS = 86_400_000;

const ONE = '203.0.113.1';
const OTHER = '203.0.113.2';

const rate = (what: 'spans' | 'bytes', retryAfterS: number): LimitRefusal => ({ reason: 'rate', what, retryAfterS });

/** Requests to one key, at times of the test's own. */
function useKey(bounds: Partial<KeyBounds>) {
  const limits = createKeyLimits({ burstSeconds: 10, ...bounds });
  const open = ({ address = ONE, bytes = 0, atMs = NOON } = {}) =>
    limits.open({ address, declaredBytes: bytes, nowMs: atMs });
  /** One that is not refused before its body. */
  const opened = (request: Parameters<typeof open>[0] = {}): Charge => {
    const charge = open(request);
    if ('reason' in charge) throw new Error(`refused before its body: ${charge.reason}`);
    return charge;
  };
  /** A whole request: what it is refused for, if it is. */
  const send = ({ spans = 1, ...request }: { spans?: number } & Parameters<typeof open>[0] = {}) => {
    const charge = open(request);
    return 'reason' in charge ? charge : charge.spans(spans, request.atMs ?? NOON);
  };
  return { open, opened, send };
}

describe('a key without bounds', () => {
  test('refuses nothing', () => {
    const { opened } = useKey({});
    const charge = opened({ bytes: 1e12 });
    charge.body(1e15, NOON);
    expect(charge.spans(1e9, NOON)).toBeUndefined();
    charge.undo();
    expect(opened().spans(1e9, NOON)).toBeUndefined();
  });
});

describe('bodies that turn out larger', () => {
  test('of several at once the first may leave a debt; the others are refused when it shows', () => {
    const { opened } = useKey({ bytesPerSecond: 1000 });
    const [first, second] = [opened({ bytes: 100 }), opened({ bytes: 100 })];
    expect(first.body(100, NOON)).toBeUndefined();
    expect(first.body(60_000, NOON)).toBeUndefined();
    expect(first.body(70_000, NOON)).toBeUndefined();
    expect(second.body(100, NOON)).toMatchObject({ reason: 'rate', what: 'bytes' });
    expect(second.body(100, NOON + 60_200)).toBeUndefined();
  });

  test('one that declares more than the burst is not refused for its own debt', () => {
    const { opened, open } = useKey({ bytesPerSecond: 1000 });
    const large = opened({ bytes: 15_000 });
    expect(large.body(15_000, NOON)).toBeUndefined();
    expect(large.body(20_000, NOON)).toBeUndefined();
    expect(open({ bytes: 1 })).toMatchObject({ reason: 'rate' });
  });
});

describe('what is not kept', () => {
  test('is given back to the day, and not to the rate', () => {
    const { opened, send } = useKey({ dailySpans: 10, spansPerSecond: 10 });
    const charge = opened();
    expect(charge.spans(10, NOON)).toBeUndefined();
    charge.kept(3);
    charge.undo();
    charge.kept(0);
    expect(send({ spans: 8 })).toMatchObject({ reason: 'day_budget' });
    expect(send({ spans: 7 })).toBeUndefined();
    const { send: again } = useKey({ spansPerSecond: 1, burstSeconds: 1 });
    expect(again({ spans: 0 })).toBeUndefined();
    expect(again({ spans: 0 })).toEqual(rate('spans', 1));
  });

  test('more than a day’s budget fits no day', () => {
    const { send } = useKey({ dailySpans: 10, maxSpansPerRequest: 100 });
    expect(send({ spans: 11 })).toEqual({ reason: 'too_many_spans', max: 10 });
  });
});

describe('spans', () => {
  test('beyond the rate are refused with the time after which the same request passes', () => {
    const { send } = useKey({ spansPerSecond: 50 });
    expect(send({ spans: 450 })).toBeUndefined();
    expect(send({ spans: 120 })).toEqual(rate('spans', 2));
    expect(send({ spans: 120, atMs: NOON + 1399 })).toEqual(rate('spans', 1));
    expect(send({ spans: 120, atMs: NOON + 1400 })).toBeUndefined();
  });

  test('are refused before the body is read when there is not room for one', () => {
    const { open, send } = useKey({ spansPerSecond: 50 });
    expect(send({ spans: 500 })).toBeUndefined();
    expect(open()).toEqual(rate('spans', 1));
    expect(open({ atMs: NOON + 19 })).toEqual(rate('spans', 1));
    expect(open({ atMs: NOON + 20 })).not.toHaveProperty('reason');
  });

  test('more than the burst pass when the bucket is full, and leave a debt', () => {
    const { open, send } = useKey({ spansPerSecond: 50 });
    expect(send({ spans: 600 })).toBeUndefined();
    expect(open()).toEqual(rate('spans', 3));
    expect(open({ atMs: NOON + 2020 })).not.toHaveProperty('reason');
  });

  test('one at a time pass where the burst is less than one', () => {
    const { open, send } = useKey({ spansPerSecond: 0.25, burstSeconds: 2 });
    expect(send()).toBeUndefined();
    expect(open()).toEqual(rate('spans', 4));
    expect(send({ atMs: NOON + 4000 })).toBeUndefined();
  });

  test('more than a request may have are refused, and cost nothing', () => {
    const { send } = useKey({ spansPerSecond: 50, dailySpans: 500, maxSpansPerRequest: 400 });
    expect(send({ spans: 401 })).toEqual({ reason: 'too_many_spans', max: 400 });
    expect(send({ spans: 400 })).toBeUndefined();
    expect(send({ spans: 100 })).toBeUndefined();
  });

  test('that are not kept are given back, once', () => {
    const { opened, send } = useKey({ spansPerSecond: 50, dailySpans: 500 });
    const charge = opened();
    expect(charge.spans(300, NOON)).toBeUndefined();
    expect(opened().spans(200, NOON)).toBeUndefined();
    charge.undo();
    charge.undo();
    expect(send({ spans: 301 })).toEqual({ reason: 'day_budget', untilMs: MIDNIGHT });
    expect(send({ spans: 300 })).toBeUndefined();
    expect(send()).toEqual({ reason: 'day_budget', untilMs: MIDNIGHT });
  });

  test('that were refused have nothing to give back', () => {
    const { opened, send } = useKey({ spansPerSecond: 50 });
    expect(send({ spans: 400 })).toBeUndefined();
    const charge = opened();
    expect(charge.spans(200, NOON)).toEqual(rate('spans', 2));
    charge.undo();
    expect(send({ spans: 101 })).toEqual(rate('spans', 1));
    expect(send({ spans: 100 })).toBeUndefined();
  });
});

describe('bytes', () => {
  test('that are declared are charged before the body is read', () => {
    const { open } = useKey({ bytesPerSecond: 1000 });
    expect(open({ bytes: 9000 })).not.toHaveProperty('reason');
    expect(open({ bytes: 4000 })).toEqual(rate('bytes', 3));
    expect(open({ bytes: 1000 })).not.toHaveProperty('reason');
    expect(open({ bytes: 0 })).not.toHaveProperty('reason');
    expect(open({ bytes: 1 })).toEqual(rate('bytes', 1));
  });

  test('beyond what was declared become a debt, which holds up bodies of no declared length too', () => {
    const { open, opened } = useKey({ bytesPerSecond: 1000 });
    const charge = opened({ bytes: 2000 });
    charge.body(1500, NOON);
    charge.body(13_500, NOON);
    charge.body(13_500, NOON);
    expect(open({ bytes: 0 })).toEqual(rate('bytes', 4));
    expect(open({ bytes: 0, atMs: NOON + 3500 })).not.toHaveProperty('reason');
    expect(open({ bytes: 1, atMs: NOON + 3500 })).toEqual(rate('bytes', 1));
  });

  test('are not given back, less than was declared neither', () => {
    const { open, opened } = useKey({ bytesPerSecond: 1000, spansPerSecond: 50 });
    const charge = opened({ bytes: 10_000 });
    charge.body(10, NOON);
    expect(charge.spans(10, NOON)).toBeUndefined();
    charge.undo();
    expect(open({ bytes: 1000 })).toEqual(rate('bytes', 1));
  });

  test('and spans: the longer wait is said', () => {
    const { opened, open } = useKey({ bytesPerSecond: 1000, spansPerSecond: 50 });
    const charge = opened({ bytes: 10_000 });
    expect(charge.spans(600, NOON)).toBeUndefined();
    expect(open({ bytes: 1000 })).toEqual(rate('spans', 3));
    expect(open({ bytes: 4000 })).toEqual(rate('bytes', 4));
    expect(open({ bytes: 1500, atMs: NOON + 2020 })).not.toHaveProperty('reason');
  });

  test('a request that is refused for its spans has to find its bytes when it comes again', () => {
    const { opened } = useKey({ bytesPerSecond: 1000, spansPerSecond: 50 });
    expect(opened().spans(450, NOON)).toBeUndefined();
    expect(opened({ bytes: 9000 }).spans(100, NOON)).toEqual(rate('spans', 8));
  });
});

describe("the day's budget", () => {
  const used: LimitRefusal = { reason: 'day_budget', untilMs: MIDNIGHT };

  test('is refused beyond, request by request, until midnight of UTC', () => {
    const { open, send } = useKey({ dailySpans: 100 });
    expect(send({ spans: 60 })).toBeUndefined();
    expect(send({ spans: 41 })).toEqual(used);
    expect(send({ spans: 40 })).toBeUndefined();
    expect(open()).toEqual(used);
    expect(open({ atMs: MIDNIGHT - 1 })).toEqual(used);
    expect(send({ spans: 100, atMs: MIDNIGHT })).toBeUndefined();
    expect(open({ atMs: MIDNIGHT })).toEqual({ reason: 'day_budget', untilMs: MIDNIGHT + DAY_MS });
  });

  test('is that of the day on which the spans are known', () => {
    const { opened, send } = useKey({ dailySpans: 100 });
    const charge = opened({ atMs: MIDNIGHT - 1 });
    expect(charge.spans(100, MIDNIGHT)).toBeUndefined();
    expect(send({ atMs: MIDNIGHT })).toEqual({ reason: 'day_budget', untilMs: MIDNIGHT + DAY_MS });
  });

  test('does not come back when the clock is set back', () => {
    const { open, send } = useKey({ dailySpans: 100 });
    expect(send({ spans: 100 })).toBeUndefined();
    expect(open({ atMs: NOON - DAY_MS })).toEqual(used);
    expect(open({ atMs: NOON })).toEqual(used);
  });

  test('of a new day is not given what is given back of an old one', () => {
    const { opened, send } = useKey({ dailySpans: 100 });
    const charge = opened();
    expect(charge.spans(100, NOON)).toBeUndefined();
    expect(send({ spans: 70, atMs: MIDNIGHT })).toBeUndefined();
    charge.undo();
    expect(send({ spans: 31, atMs: MIDNIGHT })).toMatchObject({ reason: 'day_budget' });
    expect(send({ spans: 30, atMs: MIDNIGHT })).toBeUndefined();
  });
});

describe('a clock that is set back', () => {
  test('gives nothing and takes nothing: time goes on from where it was', () => {
    const { send } = useKey({ spansPerSecond: 50 });
    expect(send({ spans: 500 })).toBeUndefined();
    expect(send({ spans: 50, atMs: NOON - 3_600_000 })).toEqual(rate('spans', 1));
    expect(send({ spans: 50, atMs: NOON - 3_600_000 + 999 })).toEqual(rate('spans', 1));
    expect(send({ spans: 50, atMs: NOON - 3_600_000 + 1000 })).toBeUndefined();
    expect(send({ spans: 1, atMs: NOON - 3_600_000 + 1000 })).toEqual(rate('spans', 1));
  });
});

describe('client addresses of one key', () => {
  /** The key's bucket: 1000 spans, 100 a second; an address's own: 100 spans, 10 a second. */
  const bounds = { spansPerSecond: 100 };

  test('one alone has the whole burst, and no more', () => {
    const { send } = useKey(bounds);
    expect(send({ spans: 1000 })).toBeUndefined();
    expect(send()).toEqual(rate('spans', 1));
    expect(send({ spans: 300, atMs: NOON + 2999 })).toEqual(rate('spans', 1));
    expect(send({ spans: 300, atMs: NOON + 3000 })).toBeUndefined();
  });

  test('one that uses it up does not shut out another', () => {
    const { send } = useKey(bounds);
    expect(send({ spans: 1000 })).toBeUndefined();
    expect(send({ address: OTHER, spans: 60 })).toBeUndefined();
    expect(send({ address: OTHER, spans: 40 })).toBeUndefined();
    expect(send({ address: OTHER })).toEqual(rate('spans', 1));
    expect(send({ spans: 1 })).toEqual(rate('spans', 2));
    expect(send({ address: OTHER, spans: 10, atMs: NOON + 1000 })).toBeUndefined();
  });

  test('nor does one with a debt of many times the burst, however long ago it is', () => {
    const { send } = useKey(bounds);
    expect(send({ spans: 20_000 })).toBeUndefined();
    expect(send({ address: OTHER, spans: 100 })).toBeUndefined();
    expect(send({ address: '203.0.113.3', spans: 100, atMs: NOON + 60_000 })).toBeUndefined();
  });

  test('what others take beyond the burst is paid back before a heavy one comes again', () => {
    const { send } = useKey(bounds);
    expect(send({ spans: 1000 })).toBeUndefined();
    const others = Array.from({ length: 11 }, (_, nr) => send({ address: `198.51.100.${nr}`, spans: 100 }));
    expect(others).toEqual([...Array.from({ length: 10 }, () => undefined), rate('spans', 1)]);
    expect(send({ spans: 1, atMs: NOON + 10_000 })).toEqual(rate('spans', 1));
    expect(send({ spans: 101, atMs: NOON + 11_009 })).toEqual(rate('spans', 1));
    expect(send({ spans: 101, atMs: NOON + 11_010 })).toBeUndefined();
  });

  test('one that was heavy is a light one again when it has been silent for so long as its debt takes', () => {
    const { send } = useKey(bounds);
    expect(send({ spans: 9000 })).toBeUndefined();
    expect(send({ address: OTHER, spans: 100 })).toBeUndefined();
    expect(send()).toEqual(rate('spans', 11));
    expect(send({ spans: 50, atMs: NOON + 11_000 })).toEqual(rate('spans', 4));
    expect(send({ spans: 50, atMs: NOON + 14_999 })).toEqual(rate('spans', 1));
    expect(send({ spans: 50, atMs: NOON + 15_000 })).toBeUndefined();
  });

  test.each<[string, meanwhile: number[], left: number]>([
    ['while they are silent', [], 50],
    ['while they come now and then', [5], 45],
  ])('that are in debt are remembered while others go on, %s', (_, meanwhile, left) => {
    const { send } = useKey(bounds);
    const heavyMs = NOON + 19_900;
    const goOn = (firstS: number, endS: number) =>
      Array.from({ length: endS - firstS }, (_, nr) =>
        send({ address: OTHER, atMs: heavyMs + (firstS + nr) * 1000 }),
      ).filter(Boolean);
    expect(goOn(-19, -8)).toEqual([]);
    expect(send({ spans: 9000, atMs: heavyMs })).toBeUndefined();
    expect(goOn(0, 11)).toEqual([]);
    expect(meanwhile.map((spans) => send({ spans, atMs: heavyMs + 11_000 })).filter(Boolean)).toEqual([]);
    expect(goOn(11, 15)).toEqual([]);
    expect(send({ spans: left, atMs: heavyMs + 14_999 })).toEqual(rate('spans', 1));
    expect(send({ spans: left, atMs: heavyMs + 15_000 })).toBeUndefined();
  });

  test('a request larger than its own bucket leaves half of the overdraft to others', () => {
    const { send } = useKey(bounds);
    expect(send({ spans: 20_000 })).toBeUndefined();
    expect(send({ address: OTHER, spans: 501 })).toMatchObject({ reason: 'rate' });
    expect(send({ address: OTHER, spans: 500 })).toBeUndefined();
    expect(send({ address: '203.0.113.3', spans: 101 })).toEqual(rate('spans', 2));
    expect(send({ address: '203.0.113.3', spans: 100 })).toBeUndefined();
  });

  test('one that is refused does not make another more than alone', () => {
    const { send } = useKey(bounds);
    expect(send({ spans: 1000 })).toBeUndefined();
    expect(send({ address: OTHER, spans: 600 })).toMatchObject({ reason: 'rate' });
    expect(send({ spans: 1500, atMs: NOON + 8000 })).toEqual(rate('spans', 2));
    expect(send({ spans: 900, atMs: NOON + 8000 })).toEqual(rate('spans', 1));
  });

  test('one is alone again when the bucket has been full since another came', () => {
    const { send } = useKey(bounds);
    expect(send({ address: OTHER, spans: 1000 })).toBeUndefined();
    expect(send({ spans: 100 })).toBeUndefined();
    expect(send({ spans: 1000, atMs: NOON + 30_000 })).toBeUndefined();
    expect(send({ spans: 1000, atMs: NOON + 39_000 })).toEqual(rate('spans', 1));
    expect(send({ spans: 900, atMs: NOON + 39_000 })).toBeUndefined();
    expect(send({ spans: 1, atMs: NOON + 39_000 })).toEqual(rate('spans', 1));
  });

  test('spans of a light one that are not kept are given back to all its buckets', () => {
    const { opened, send } = useKey(bounds);
    expect(send({ spans: 1000 })).toBeUndefined();
    for (let request = 0; request < 30; request++) {
      const charge = opened({ address: OTHER });
      expect(charge.spans(100, NOON)).toBeUndefined();
      charge.undo();
    }
    expect(send({ address: OTHER, spans: 100 })).toBeUndefined();
    expect(send({ address: OTHER })).toEqual(rate('spans', 1));
  });

  test('bytes are shared in the same way, and what a body is beyond what it declared is paid by whom it came from', () => {
    const { open, opened } = useKey({ bytesPerSecond: 1000 });
    opened({ bytes: 0 }).body(40_000, NOON);
    expect(open({ bytes: 1 })).toEqual(rate('bytes', 31));
    expect(open({ address: OTHER, bytes: 1000 })).not.toHaveProperty('reason');
    expect(open({ address: OTHER, bytes: 1 })).toEqual(rate('bytes', 1));
    // Of another that passed by the overdraft, the overdraft bears what it has: nobody waits longer for what a body unfolds to.
    opened({ address: '203.0.113.3', bytes: 0 }).body(12_000_000, NOON);
    expect(open({ address: '203.0.113.4', bytes: 100 })).toEqual(rate('bytes', 1));
    expect(open({ address: '203.0.113.4', bytes: 100, atMs: NOON + 100 })).not.toHaveProperty('reason');
  });

  test('the last 5,000 are remembered, and none beyond 10,000', () => {
    const { send } = useKey({ spansPerSecond: 10_000 });
    const address = (nr: number) => `10.0.${nr >> 8}.${nr & 255}`;
    const sendFrom = (first: number, end: number) =>
      Array.from({ length: end - first }, (_, nr) => send({ address: address(first + nr) })).filter(Boolean);
    expect(send({ spans: 100_000 })).toBeUndefined();
    expect(sendFrom(0, 5000)).toEqual([]);
    expect(send()).toEqual(rate('spans', 1));
    expect(send({ spans: 500 })).toMatchObject({ reason: 'rate' });
    expect(sendFrom(5000, 10_000)).toEqual([]);
    expect(send({ spans: 500 })).toBeUndefined();
  });

  test('any number of them costs no more than the rate', () => {
    const { send } = useKey({ spansPerSecond: 100 });
    const SECONDS = 200;
    let passed = 0;
    for (let nr = 0; nr < SECONDS * 1000; nr++) {
      const address = `2001:db8:${(nr >> 16).toString(16)}:${(nr & 0xffff).toString(16)}::1`;
      if (send({ address, atMs: NOON + nr }) === undefined) passed += 1;
    }
    expect(passed).toBeGreaterThanOrEqual(100 * SECONDS);
    expect(passed).toBeLessThanOrEqual(2 * 1000 + 100 * SECONDS);
  });
});

describe('the client of an address', () => {
  test.each([
    ['203.0.113.195', '203.0.113.195'],
    ['::ffff:203.0.113.195', '203.0.113.195'],
    ['::FFFF:cb00:71c3', '203.0.113.195'],
    ['0:0:0:0:0:ffff:203.0.113.195', '203.0.113.195'],
    ['::ffff:203.0.113.195%eth0', '203.0.113.195'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2'],
    ['2001:db8:1:2:3:4:203.0.113.195', '2001:db8:1:2'],
    ['2001:db8::5:6', '2001:db8:0:0'],
    ['64:ff9b::203.0.113.195', '64:ff9b:0:0'],
    ['1:2:3:4:5:6:7::', '1:2:3:4'],
    ['::2:3:4:5:6:7:8', '0:2:3:4'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['::1:ffff:203.0.113.195', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['fe80::1', 'fe80:0:0:0'],
    ['', ''],
    ['unknown', ''],
    ['203.0.113.195:4711', '203.0.113.195'],
    ['203.0.113.195:', ''],
    ['[2001:db8::1]', '2001:db8:0:0'],
    ['[2001:db8::1]:4711', '2001:db8:0:0'],
    ['[2001:db8::1', ''],
    ['203.0.113.256', ''],
    ['1:2:3', ''],
    [':::', ''],
    [`203.0.113.195, ${'1'.repeat(100_000)}`, ''],
  ])('%.50s is %s', (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });

  test('is who shares: a /64 is one, its neighbour another, and all that is no address is one', () => {
    const { send } = useKey({ spansPerSecond: 100 });
    expect(send({ address: '2001:db8:0:1::1', spans: 1000 })).toBeUndefined();
    expect(send({ address: '2001:db8:0:1:ffff::2' })).toEqual(rate('spans', 1));
    expect(send({ address: '2001:db8:0:2::1', spans: 100 })).toBeUndefined();
    expect(send({ address: '', spans: 60 })).toBeUndefined();
    expect(send({ address: 'unknown', spans: 41 })).toEqual(rate('spans', 1));
  });
});
