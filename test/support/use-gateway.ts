import type { CanonicalSpan } from './canonical';
import { eventually } from './eventually';
import { type FakeLangfuse, type FakeLangfuseOptions, startFakeLangfuse } from './fake-langfuse';
import { type RunningGateway, startGateway } from './gateway';
import type { Sent } from './otlp-twins';
import { type Answer, post } from './post';
import { increases } from './samples';

export interface GatewayInUse {
  readonly url: string;
  readonly fake: FakeLangfuse;
  readonly gateway: RunningGateway;
  post(sent: Sent, path?: string): Promise<Answer>;
  /** Posts, and waits until all spans that were accepted have arrived at the fake Langfuse. */
  pass(sent: Sent): Promise<Passage>;
  /** The same for a request that is sent in another way. */
  watch(send: () => Promise<Answer>): Promise<Passage>;
}

/** What a request led to. */
export interface Passage {
  answer: Answer;
  /** All spans that arrived, in their order. */
  spans: CanonicalSpan[];
  /** Rejected spans by reason, and repaired spans by repair. */
  rejected: Record<string, number>;
  repaired: Record<string, number>;
}

/** A fake Langfuse and a gateway in front of it, for all tests around the call. */
export function useGateway(
  options: { env?: Record<string, string>; yaml?: string; fake?: FakeLangfuseOptions } = {},
): GatewayInUse {
  let fake: FakeLangfuse;
  let gateway: RunningGateway;
  beforeAll(async () => {
    fake = await startFakeLangfuse(options.fake);
    gateway = await startGateway({ fake, env: options.env, yaml: options.yaml });
  });
  afterAll(async () => {
    await gateway.stop();
    await fake.close();
  });
  const send: GatewayInUse['post'] = (sent, path = '/v1/traces') => post(`${gateway.url}${path}`, sent);
  const watch: GatewayInUse['watch'] = async (sendIt) => {
    let before: Record<string, number> = {};
    // What other tests have sent must not arrive in the middle of this one.
    await eventually(async () => {
      before = await gateway.metrics();
      expect(before.gateway_queue_spans).toBe(0);
    });
    fake.spans.length = 0;
    const answer = await sendIt();
    const after = await gateway.metrics();
    const spans = await fake.waitForSpans((after[ACCEPTED] ?? 0) - (before[ACCEPTED] ?? 0));
    const grown = (name: string) => increases(name, { before, after });
    return {
      ...{ answer, spans },
      rejected: grown('gateway_receiver_rejected_spans_total'),
      repaired: grown('gateway_spans_repaired_total'),
    };
  };
  return {
    get url() {
      return gateway.url;
    },
    get fake() {
      return fake;
    },
    get gateway() {
      return gateway;
    },
    post: send,
    watch,
    pass: (sent) => watch(() => send(sent)),
  };
}

const ACCEPTED = 'gateway_receiver_accepted_spans_total';
