import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Balance, balanceOf } from '../support/balance';
import { type BuiltGateway, endAllBuilt, listening, spawnBuilt, startBuilt } from '../support/built-gateway';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { langfuseVariables } from '../support/gateway';
import { startInterposer } from '../support/interposer';
import { createRandom, oneOf, type Random } from '../support/random';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { type DeadLetter, listDeadLetters } from './dead-letters';
import { isForRefusal, type Load, startLoad } from './load';
import { MOODS, type Mood, WELL } from './moods';

export interface Crashes {
  load: Load;
  fake: FakeLangfuse;
  /** What the program said in the end, beside the gateway and after it. */
  deadLetters: { beside: DeadLetter[]; after: DeadLetter[] };
  /** Both sides of the equation, at every scrape of every life. */
  balances: Balance[];
  /** `gateway_queue_recovered_spans_total` of every life that was long enough to ask. */
  recovered: number[];
  /** How lives ended otherwise than by the kill, and what was on stderr. */
  oddEnds: string[];
}

/** How a life ends: before it is known whether it listens, while a dead letter is written, or at any time. */
const ENDS = ['early', 'early', 'refusal', 'refusal', 'any', 'any', 'any'] as const;

/**
 * Lets the built gateway be killed so often (SIGKILL) on one data directory, under load and before a Langfuse of changing
 * mood, and in the end run until its queue is empty.
 */
export async function crashOften({ kills, seed }: { kills: number; seed: number }): Promise<Crashes> {
  const random = createRandom(seed);
  let mood = WELL;
  const refusals = new EventTarget();
  const fake = await startFakeLangfuse({
    respond: ({ spans }) => {
      // What comes after the answer is a dead letter.
      if (spans.every(({ name }) => isForRefusal(name))) refusals.dispatchEvent(new Event('refusal'));
      return mood.respond(random);
    },
    refuseSpan: ({ name }) => isForRefusal(name),
  });
  const wire = await startInterposer(fake.baseUrl);
  const become = (next: Mood) => {
    mood = next;
    wire.interference = next.interference;
  };
  const dataDir = makeTemporary();
  const samePorts = { PORT: await lowPort(random), GATEWAY_ADMIN_PORT: await lowPort(random) };
  const env = { ...langfuseVariables({ ...fake, baseUrl: wire.baseUrl }), GATEWAY_DATA_DIR: dataDir };
  const load = startLoad(createRandom(seed + 1));
  const seen: Seen = { balances: [], recovered: [], oddEnds: [] };
  try {
    for (let startMs = 1_000, kill = 0; kill < kills; kill++) {
      const end = oneOf(random, ENDS);
      become(end === 'refusal' ? WELL : oneOf(random, MOODS));
      const startedMs = performance.now();
      const starting = spawnBuilt(random() < 0.5 ? { ...env, ...samePorts } : env);
      let watched: Promise<void> | undefined;
      if (end === 'early') await sleep(random() * 1.2 * startMs);
      else {
        const gateway = await listening(starting);
        startMs = performance.now() - startedMs;
        load.aim(gateway.url);
        watched = watch(gateway, seen);
        await sleep(300 + random() * 900);
        if (end === 'refusal') await soonAfter(refusals, random);
      }
      starting.kill('SIGKILL');
      const { signal, code, stderr } = await starting.ended;
      if (signal !== 'SIGKILL' || stderr !== '') seen.oddEnds.push(`${signal} ${code} ${stderr}`);
      load.aim(undefined);
      await watched;
    }
    await load.stop();
    become(WELL);
    const deadLetters = await lastLife(env, dataDir, seen);
    return { load, fake, deadLetters, ...seen };
  } finally {
    await load.stop();
    await endAllBuilt();
    await wire.close();
    await fake.close();
    removeTemporary(dataDir);
  }
}

/** Resolves a moment after the next refusal, or when there is none for a while. */
async function soonAfter(refusals: EventTarget, random: Random): Promise<void> {
  await once(refusals, 'refusal', { signal: AbortSignal.timeout(1_000) }).catch(() => {});
  await sleep(random() * 20);
}

type Seen = Pick<Crashes, 'balances' | 'recovered' | 'oddEnds'>;

async function lastLife(env: Record<string, string>, dataDir: string, seen: Seen): Promise<Crashes['deadLetters']> {
  const gateway = await startBuilt(env);
  const watched = watch(gateway, seen);
  await eventually(async () => expect((await gateway.metrics()).gateway_queue_spans).toBe(0), 60_000);
  const beside = await listDeadLetters(dataDir);
  gateway.kill('SIGTERM');
  const { code, signal, stderr } = await gateway.ended;
  if (code !== 0 || stderr !== '') seen.oddEnds.push(`in the end: ${signal} ${code} ${stderr}`);
  await watched;
  return { beside, after: await listDeadLetters(dataDir) };
}

/** Scrapes until the gateway is gone. */
async function watch(gateway: BuiltGateway, { balances, recovered }: Seen): Promise<void> {
  for (let scrapes = 0; ; scrapes++) {
    const samples = await gateway.metrics().catch(() => undefined);
    if (samples === undefined) return;
    balances.push(balanceOf(samples));
    if (scrapes === 0) recovered.push(samples.gateway_queue_recovered_spans_total ?? Number.NaN);
    await sleep(20);
  }
}

/** A free port that the system does not give to connections, so that it is free at the next start too. */
async function lowPort(random: Random): Promise<string> {
  for (;;) {
    const port = 20_000 + Math.floor(random() * 10_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return String(port);
  }
}
