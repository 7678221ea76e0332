import { setTimeout as sleep } from 'node:timers/promises';
import { post } from '../support/post';
import { oneOf, type Random } from '../support/random';
import { encodeSpans, type SpanToSend } from '../support/trace-request';

export interface Load {
  /** Every span that was ever sent, by its id: its name, from which all else of it follows. */
  sent: ReadonlyMap<string, string>;
  /** The ids of those that were answered with 200. */
  acknowledged: ReadonlySet<string>;
  /** Answers other than 200 and 503. */
  surprises: readonly string[];
  /** Where to send from now on; `undefined`: nowhere. */
  aim(url: string | undefined): void;
  /** Resolves when the last request is over. */
  stop(): Promise<void>;
}

const SENDERS = 4;
const PAUSE_MS_MAX = 15;
/** Name, number, bytes of padding. */
const NAME = /^(fine|refused)-(\d+)-(\d+)$/;

/** Spans whose name begins so are for Langfuse to refuse. */
export const isForRefusal = (name: string): boolean => name.startsWith('refused');

/** What a span of that name has as its attribute `padding`; `undefined`: no span of ours. */
export const paddingOf = (name: string): string | undefined => {
  const bytes = NAME.exec(name)?.[3];
  return bytes === undefined ? undefined : 'x'.repeat(Number(bytes));
};

/** Senders that go on as exporters do: on 503, or when a connection breaks, some send again and some give up. */
export function startLoad(random: Random): Load {
  const sent = new Map<string, string>();
  const acknowledged = new Set<string>();
  const surprises: string[] = [];
  let url: string | undefined;
  let isStopped = false;
  const makeSpans = (): SpanToSend[] => {
    const [count, paddingMax] = oneOf(random, SIZES);
    const refusedShare = random() < 0.15 ? 0.3 : 0;
    return Array.from({ length: 1 + Math.floor(random() * count) }, () => {
      const number = sent.size + 1;
      const kind = random() < refusedShare ? 'refused' : 'fine';
      const name = `${kind}-${number}-${Math.floor(random() * paddingMax)}`;
      const spanId = number.toString(16).padStart(16, '0');
      sent.set(spanId, name);
      return { name, spanId, attributes: { padding: paddingOf(name) ?? '' } };
    });
  };
  const sender = async () => {
    let again: SpanToSend[] | undefined;
    while (!isStopped) {
      if (url !== undefined) {
        const spans = again ?? makeSpans();
        const status = await statusOf(post(`${url}/v1/traces`, random() < 0.5 ? asProtobuf(spans) : asJson(spans)));
        if (status === 200) for (const { spanId = '' } of spans) acknowledged.add(spanId);
        else if (status !== 503 && status !== undefined) surprises.push(`answered ${status}`);
        again = status === 200 || random() < 0.5 ? undefined : spans;
      }
      await sleep(random() * PAUSE_MS_MAX);
    }
  };
  const senders = Array.from({ length: SENDERS }, sender);
  return {
    ...{ sent, acknowledged, surprises },
    aim(to) {
      url = to;
    },
    async stop() {
      isStopped = true;
      await Promise.all(senders);
    },
  };
}

/** Spans of a request and bytes of padding of a span, at most. Most requests are small. */
const SIZES: readonly (readonly [count: number, paddingMax: number])[] = [
  ...[[10, 50] as const, [10, 50] as const, [10, 50] as const, [10, 2_000] as const, [10, 2_000] as const],
  ...[[150, 200] as const, [10, 50] as const, [10, 50] as const, [20, 60_000] as const, [1, 10] as const],
];

/** `undefined`: the connection broke. */
async function statusOf(posted: ReturnType<typeof post>): Promise<number | undefined> {
  return posted.then(
    ({ status }) => status,
    () => undefined,
  );
}

const asProtobuf = (spans: readonly SpanToSend[]) => ({
  headers: { 'content-type': 'application/x-protobuf' },
  body: encodeSpans(spans),
});

const asJson = (spans: readonly SpanToSend[]) => {
  const messages = spans.map(({ name, spanId, attributes }) => ({
    ...{ traceId: '5b8efff798038103d269b633813fc60c', spanId, name, kind: 1 },
    ...{ startTimeUnixNano: '1767225600000000000', endTimeUnixNano: '1767225600001000000' },
    attributes: Object.entries(attributes ?? {}).map(([key, stringValue]) => ({ key, value: { stringValue } })),
  }));
  const request = { resourceSpans: [{ scopeSpans: [{ spans: messages }] }] };
  return { headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(request)) };
};
