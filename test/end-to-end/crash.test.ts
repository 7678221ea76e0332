import { type Crashes, crashOften } from '../crash/crashes';
import { isForRefusal, paddingOf } from '../crash/load';

/** `npm run test:crash` is the long form; CRASH_SEED repeats the choices of a run, though not its moments. */
const kills = Number(process.env.CRASH_KILLS ?? 30);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 31);

let crashes: Crashes;
beforeAll(
  async () => {
    crashes = await crashOften({ kills, seed });
  },
  60_000 + kills * 5_000,
);

/** Names what failed by the seed that led to it. */
const of = (check: object | readonly unknown[]) => ({ CRASH_SEED: seed, found: check });

const difference = <T>(some: Iterable<T>, others: { has(one: T): boolean }) =>
  [...some].filter((one) => !others.has(one)).slice(0, 20);

const deadIds = () => new Set(crashes.deadLetters.after.flatMap(({ spans }) => spans.map(({ spanId }) => spanId)));

test(`after ${kills} kills every span that was answered 200 has arrived or is a dead letter`, () => {
  const { load, fake } = crashes;
  const arrived = new Set(fake.spans.map(({ spanId }) => spanId));
  const dead = deadIds();
  const isThere = { has: (id: string) => arrived.has(id) || dead.has(id) };
  expect(of(difference(load.acknowledged, isThere))).toEqual(of([]));
  expect(load.acknowledged.size).toBeGreaterThan(kills * 10);
});

test('dead letters are what Langfuse refuses, and nothing else; they are the same beside a gateway and without one', () => {
  const { load, deadLetters } = crashes;
  const names = [...deadIds()].map((id) => load.sent.get(id) ?? id);
  expect(of(names.filter((name) => !isForRefusal(name)))).toEqual(of([]));
  const refused = [...load.acknowledged].filter((id) => isForRefusal(load.sent.get(id) ?? ''));
  expect(of(difference(refused, deadIds()))).toEqual(of([]));
  expect(refused.length).toBeGreaterThan(0);
  expect(deadLetters.beside).toEqual(deadLetters.after);
});

test('nothing arrives but what was sent, as it was sent', () => {
  const { load, fake, deadLetters } = crashes;
  const strange = fake.spans.filter(
    ({ spanId, name, attributes }) =>
      load.sent.get(spanId) !== name ||
      JSON.stringify(attributes) !== JSON.stringify([{ key: 'padding', value: { string: paddingOf(name) } }]),
  );
  expect(of(strange.slice(0, 5))).toEqual(of([]));
  expect(of(difference(deadIds(), load.sent))).toEqual(of([]));
  expect(of(deadLetters.after.filter(({ destination }) => destination !== 'main'))).toEqual(of([]));
  expect(of(fake.violations)).toEqual(of([]));
});

test('lives end by the kill alone, and answer nothing but 200 and 503', () => {
  const { load, oddEnds } = crashes;
  expect(of(oddEnds)).toEqual(of([]));
  expect(of(load.surprises)).toEqual(of([]));
});

test('accepted + recovered + replayed = delivered + dead-lettered + queued, at every scrape of every life', () => {
  const { balances, recovered } = crashes;
  expect(of(balances.filter(({ received, accountedFor }) => received !== accountedFor))).toEqual(of([]));
  expect(balances.length).toBeGreaterThan(kills);
  expect(of(recovered.filter(Number.isNaN))).toEqual(of([]));
  expect(recovered.filter((spans) => spans > 0).length).toBeGreaterThan(kills / 10);
});
