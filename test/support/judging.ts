import { ID_REPAIRS, REPAIRS, type RepairName } from '../../src/admission/repairs';
import { createJudge, type JudgeOptions } from '../../src/judge';
import type { Judgement, RequestToJudge } from '../../src/judgement';
import { type Observation, observe } from '../../src/langfuse/observation/observation';
import { receivedSpans } from './admission';
import { type Fields, twins } from './otlp-twins';

/** What tests of the judge set; the rest is as by default. */
export interface JudgeSettings {
  ids?: 'normalise' | 'derive' | 'off';
  off?: readonly RepairName[];
  traceIdAlone?: JudgeOptions['traceContext']['traceIdAlone'];
  maxTraces?: number;
  windowS?: number;
  destinationCount?: number;
}

export const ENCODINGS = ['json', 'protobuf'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** The switches of all repairs, as the configuration sets them. */
export function switches({ ids = 'normalise', off = [] }: Pick<JudgeSettings, 'ids' | 'off'> = {}) {
  const isOn = (name: RepairName) => {
    if (off.includes(name)) return false;
    if (name === 'id_derived') return ids === 'derive';
    return ids !== 'off' || !(ID_REPAIRS as readonly RepairName[]).includes(name);
  };
  return Object.fromEntries(REPAIRS.map((name) => [name, isOn(name)])) as Record<RepairName, boolean>;
}

export type Judging = ReturnType<typeof startJudging>;

/** A judge with a clock that stands still until it is set forward. */
export function startJudging(settings: JudgeSettings = {}) {
  const { traceIdAlone = 'reject', maxTraces = 1000, windowS = 600 } = settings;
  let nowMs = Date.UTC(2026, 0, 2);
  const { judge, orphans } = createJudge({
    repairs: switches(settings),
    traceContext: { traceIdAlone },
    traceAttributes: { maxTraces, windowS },
    ...(settings.destinationCount === undefined ? {} : { destinationCount: settings.destinationCount }),
    now: () => nowMs,
  });
  return {
    orphans,
    now: () => nowMs,
    setForward: (ms: number) => {
      nowMs += ms;
    },
    /** A request as its bytes. */
    judge: (bytes: Buffer, rest: Partial<Omit<RequestToJudge, 'bytes'>> = {}) =>
      judge({ format: 'protobuf', destination: 'main', bytes, ...rest }),
    /** A request as its fields, in the encoding, and what became of it. */
    send: async (
      request: Fields,
      { format = 'protobuf', ...rest }: Partial<Omit<RequestToJudge, 'bytes' | 'format'>> & { format?: Encoding } = {},
    ) => {
      const [, sent] = twins(request).find(([encoding]) => encoding === format)!;
      return shown(await judge({ destination: 'main', ...rest, format, bytes: sent.body }));
    },
  };
}

export interface Shown {
  readonly judgement: Judgement;
  /** In the order of the accepted spans. */
  readonly observations: readonly Observation[];
  /** By the name of the span. */
  readonly byName: Readonly<Record<string, Observation>>;
  readonly repairs: Readonly<Record<string, number>>;
  /** How many spans each warning is about. */
  readonly warnings: Readonly<Record<string, number>>;
}

/** What Langfuse shows of a judged request. */
export function shown(judgement: Judgement): Shown {
  const observations = receivedSpans(judgement.bytes).map(observe);
  return {
    judgement,
    observations,
    byName: Object.fromEntries(observations.map((observation) => [observation.name, observation])),
    repairs: Object.fromEntries(judgement.repairs),
    warnings: Object.fromEntries([...judgement.warnings].map(([name, { spans }]) => [name, spans])),
  };
}
