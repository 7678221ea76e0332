import type { SenderPolicy } from '../../src/admission/sender-policy';
import { Inspector, type InspectorOptions } from '../../src/inspector/inspector';
import { TraceQueries } from '../../src/inspector/queries';
import type { TraceFilter } from '../../src/inspector/trace-filter';
import type { Judgement } from '../../src/judgement';
import type { RequestSender } from '../../src/receiver/accept';
import type { BodyFormat } from '../../src/receiver/format';
import { type JudgeSettings, startJudging } from './judging';
import { encodeSpans, type SpanToSend } from './trace-request';

export const NOBODY: RequestSender = { userAgent: undefined, address: undefined, key: undefined };

export interface InspectingOptions extends Partial<Omit<InspectorOptions, 'now'>> {
  judge?: JudgeSettings;
}

interface Kept {
  format?: BodyFormat;
  destination?: string;
  sender?: Partial<RequestSender>;
  policy?: SenderPolicy;
}

export type Inspecting = ReturnType<typeof startInspecting>;

/** An inspector behind a judge, as they are at the door; `full` unless told otherwise. Both have the judge's clock. */
export function startInspecting({ judge, ...options }: InspectingOptions = {}) {
  const judging = startJudging(judge);
  const inspector = new Inspector({ mode: 'full', stampsOf: () => ({}), ...options, now: judging.now });
  const queries = new TraceQueries(inspector);
  const keep = async (bytes: Buffer, { sender, ...rest }: Kept = {}): Promise<Judgement> => {
    const judgement = await judging.judge(bytes, rest);
    judgement.kept();
    inspector.kept(judgement, { destination: rest.destination ?? 'main', sender: { ...NOBODY, ...sender } });
    return judgement;
  };
  const list = (filter: TraceFilter = {}, page: { limit?: number; before?: string } = {}) =>
    queries.list({ limit: 500, before: undefined, ...page, filter });
  return {
    ...{ judging, inspector, queries, keep, list },
    setForward: judging.setForward,
    /** A request in protobuf of these spans, and a millisecond of time. */
    keepSpans: async (spans: readonly SpanToSend[], rest: Kept & { resource?: Record<string, string> } = {}) => {
      const { resource = {}, ...kept } = rest;
      judging.setForward(1);
      return keep(encodeSpans(spans, { resource }), kept);
    },
    traceIds: async (...given: Parameters<typeof list>) => (await list(...given)).traces.map(({ traceId }) => traceId),
    observations: (traceId: string, page: { limit?: number; after?: string } = {}) =>
      all(queries.observations(traceId, { limit: 1_000_000, after: undefined, ...page })),
    tree: (traceId: string, page: { limit?: number; after?: string } = {}) =>
      queries.tree(traceId, { limit: 20_000, after: undefined, ...page }),
  };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
