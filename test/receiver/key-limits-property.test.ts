import fc from 'fast-check';
import { createKeyLimits } from '../../src/receiver/key-limits';
import { runs } from '../support/random';

const START_MS = Date.UTC(2026, 1, 28, 12);

interface Bounds {
  readonly spansPerSecond: number;
  readonly bytesPerSecond?: number;
  readonly burstSeconds: number;
}

interface Sent {
  readonly afterMs: number;
  readonly address: string;
  readonly spans: number;
  readonly bytes: number;
}

/** How far a request came, and how long to wait where it was refused. */
interface Outcome {
  readonly stage: 'opened' | 'spans' | 'passed';
  readonly retryAfterS: number;
  readonly undo: () => void;
}

const STAGES = ['opened', 'spans', 'passed'] as const;
const stageNumber = ({ stage }: Outcome) => STAGES.indexOf(stage);

/** A key to send to: every request comes so long after the one before. */
function useKey(bounds: Bounds): (sent: Sent) => Outcome {
  const limits = createKeyLimits(bounds);
  let nowMs = START_MS;
  const outcome = (stage: Outcome['stage'], refusal?: object, undo = () => {}): Outcome => ({
    stage,
    retryAfterS: refusal !== undefined && 'retryAfterS' in refusal ? Number(refusal.retryAfterS) : 0,
    undo,
  });
  return ({ afterMs, address, spans, bytes }) => {
    nowMs += afterMs;
    const charge = limits.open({ address, declaredBytes: bytes, nowMs });
    if ('reason' in charge) return outcome('opened', charge);
    const refusal = charge.spans(spans, nowMs);
    return refusal === undefined ? outcome('passed', undefined, () => charge.undo()) : outcome('spans', refusal);
  };
}

const address = (nr: number) => `192.0.2.${nr}`;
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

const rates = fc.record({
  spansPerSecond: fc.integer({ min: 1, max: 60 }),
  burstSeconds: fc.integer({ min: 1, max: 6 }),
});
/** Sizes as shares of the capacity, up to three times as much, with many of a few spans. */
const shares = fc.oneof(fc.nat(100), fc.nat(1000), fc.nat(3000)).map((thousandths) => thousandths / 1000);
const pauses = fc.oneof(fc.constant(0), fc.nat(400), fc.nat(1000), fc.nat(8000));
const spansOf = (share: number, { spansPerSecond, burstSeconds }: Bounds) =>
  1 + Math.floor(share * spansPerSecond * burstSeconds);

/** One bucket in thousandths of a token, as the words of the contract say it. */
function useModel({ spansPerSecond, burstSeconds }: Bounds) {
  const capacity = spansPerSecond * burstSeconds * 1000;
  let level = capacity;
  const levelAfter = (ms: number) => Math.min(capacity, level + ms * spansPerSecond);
  const passesAfter = (ms: number, spans: number) => levelAfter(ms) >= Math.min(spans * 1000, capacity);
  return {
    pass(ms: number) {
      level = levelAfter(ms);
    },
    /** 0: taken. Else the seconds to wait, counted one by one. */
    take(spans: number): number {
      let seconds = 0;
      while (seconds < 1000 && !passesAfter(seconds * 1000, spans)) seconds += 1;
      if (seconds === 0) level -= spans * 1000;
      return seconds;
    },
    wait: (spans: number) => (passesAfter(0, spans) ? 0 : 1),
    giveBack(spans: number) {
      level = Math.min(capacity, level + spans * 1000);
    },
    spansNow: () => Math.floor(level / 1000),
  };
}

describe('one address alone', () => {
  const steps = fc.array(
    fc.record({ afterMs: fc.oneof(pauses, fc.integer({ min: -20_000, max: -1 })), share: shares, undo: fc.boolean() }),
    { minLength: 20, maxLength: 60 },
  );

  test('sees precisely the plain bucket, whatever it sends, gives back, or the clock does', () => {
    fc.assert(
      fc.property(rates, steps, (bounds, sent) => {
        const send = useKey(bounds);
        const model = useModel(bounds);
        let giveBack = () => {};
        const [seen, expected] = [[] as number[], [] as number[]];
        for (const { afterMs, share, undo } of sent) {
          const spans = spansOf(share, bounds);
          const outcome = send({ afterMs, address: address(1), spans, bytes: 0 });
          model.pass(Math.max(0, afterMs));
          // Before its body it is asked for one span.
          const waitS = model.wait(1) === 0 ? model.take(spans) : model.take(1);
          seen.push(outcome.retryAfterS);
          expected.push(waitS);
          // What fails does so when the next request has come, and says it twice.
          giveBack();
          giveBack = () => {
            if (!undo) return;
            outcome.undo();
            outcome.undo();
            model.giveBack(waitS === 0 ? spans : 0);
          };
        }
        expect(seen).toEqual(expected);
      }),
      runs(500),
    );
  });
});

const histories = (addresses: number) =>
  fc.array(fc.record({ afterMs: pauses, from: fc.nat(addresses - 1), share: shares, byteShare: shares }), {
    minLength: 20,
    maxLength: 60,
  });

describe('many addresses', () => {
  test('never pass more than twice the capacity, the rate, and what one request is too large', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 40 }).chain(histories), (bounds, history) => {
        const send = useKey(bounds);
        let atMs = 0;
        const passed = history.flatMap(({ afterMs, from, share }) => {
          atMs += afterMs;
          const spans = spansOf(share, bounds);
          const { stage } = send({ afterMs, address: address(from), spans, bytes: 0 });
          return stage === 'passed' ? [{ atMs, spans }] : [];
        });
        const capacity = bounds.spansPerSecond * bounds.burstSeconds;
        const beyond = passed.flatMap((first, nr) =>
          passed.slice(nr).filter((last, more) => {
            const spans = passed.slice(nr, nr + more + 1).map((one) => one.spans);
            const tooLarge = Math.max(0, Math.max(...spans) - capacity);
            const refilled = (bounds.spansPerSecond * (last.atMs - first.atMs)) / 1000;
            return sum(spans) > 2 * capacity + refilled + tooLarge;
          }),
        );
        expect(beyond).toEqual([]);
      }),
      runs(300),
    );
  });

  test('are told when they may come again: then they pass if nobody else came, and a second before they do not', () => {
    let refused = 0;
    let long = 0;
    fc.assert(
      fc.property(rates, fc.integer({ min: 10, max: 2000 }), histories(4), (rate, bytesPerSecond, history) => {
        const bounds = { ...rate, bytesPerSecond };
        const requests = history.map(({ afterMs, from, share, byteShare }) => ({
          afterMs,
          address: address(from),
          spans: spansOf(share, bounds),
          bytes: Math.floor(byteShare * bytesPerSecond * rate.burstSeconds),
        }));
        /** The request comes once more, so long after it came and nobody after it. */
        const again = (nr: number, afterMs: number) => {
          const send = useKey(bounds);
          for (const request of requests.slice(0, nr + 1)) send(request);
          return send({ ...(requests[nr] as Sent), afterMs });
        };
        const send = useKey(bounds);
        const claims = requests.map((request, nr) => ({ nr, outcome: send(request) }));
        const refusals = claims.filter(({ outcome }) => outcome.stage !== 'passed');
        refused += refusals.length;
        long += refusals.filter(({ outcome }) => outcome.retryAfterS > 1).length;
        const wrong = refusals.filter(({ nr, outcome }) => {
          const inTime = stageNumber(again(nr, outcome.retryAfterS * 1000)) > stageNumber(outcome);
          const early = stageNumber(again(nr, (outcome.retryAfterS - 1) * 1000)) <= stageNumber(outcome);
          return !inTime || !early || outcome.retryAfterS < 1;
        });
        expect(wrong).toEqual([]);
      }),
      runs(200),
    );
    expect(refused).toBeGreaterThan(100);
    expect(long).toBeGreaterThan(100);
  });
});

describe('a light address', () => {
  const tens = fc.record({
    spansPerSecond: fc.integer({ min: 2, max: 20 }).map((tenth) => tenth * 10),
    burstSeconds: fc.integer({ min: 2, max: 8 }),
  });
  const steps = fc.array(
    fc.record({
      afterMs: fc.oneof(fc.nat(500), fc.nat(8000)),
      flood: fc.array(shares, { minLength: 2, maxLength: 8 }),
      part: fc.integer({ min: 1, max: 10 }),
    }),
    { minLength: 20, maxLength: 80 },
  );

  test('always gets through beside a heavy one, as long as it keeps to a tenth', () => {
    let flooded = 0;
    let sent = 0;
    fc.assert(
      fc.property(tens, steps, (bounds, moments) => {
        const send = useKey(bounds);
        const tenth = useModel({ ...bounds, spansPerSecond: bounds.spansPerSecond / 10 });
        const refused = moments.flatMap(({ afterMs, flood, part }) => {
          const heavy = [0, ...flood].map((share, nr) =>
            send({ afterMs: nr === 0 ? afterMs : 0, address: address(1), spans: spansOf(share, bounds), bytes: 0 }),
          );
          flooded += heavy.filter(({ stage }) => stage !== 'passed').length;
          tenth.pass(afterMs);
          const spans = Math.ceil((part / 10) * tenth.spansNow());
          if (spans === 0) return [];
          sent += 1;
          tenth.take(spans);
          const outcome = send({ afterMs: 0, address: address(2), spans, bytes: 0 });
          return outcome.stage === 'passed' ? [] : [{ spans, outcome }];
        });
        expect(refused).toEqual([]);
      }),
      runs(300),
    );
    expect(flooded).toBeGreaterThan(1000);
    expect(sent).toBeGreaterThan(1000);
  });
});

describe('the long-run rate', () => {
  test.each([1, 2, 10, 200])('is used up and held with %i addresses that flood', (addresses) => {
    const bounds = { spansPerSecond: 50, burstSeconds: 4 };
    const send = useKey(bounds);
    const SECONDS = 300;
    const passed = Array.from({ length: SECONDS * 100 }, (_, nr) => {
      const spans = 1 + ((nr * 7) % 13);
      const request = { afterMs: nr === 0 ? 0 : 10, address: address(nr % addresses), spans, bytes: 0 };
      return send(request).stage === 'passed' ? spans : 0;
    });
    expect(sum(passed)).toBeGreaterThanOrEqual(50 * (SECONDS - 1));
    expect(sum(passed)).toBeLessThanOrEqual(2 * 200 + 50 * SECONDS);
  });
});
