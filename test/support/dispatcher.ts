import pino from 'pino';
import type { NewDeadLetter } from '../../src/dead-letters/letter';
import { type DeliverySpan, reportOutcome } from '../../src/delivery/attempt';
import { createDispatcher, type Dispatcher, type DispatcherOptions } from '../../src/delivery/dispatcher';
import type { Outcome } from '../../src/delivery/outcome';
import { ReceivedSpan } from '../../src/otlp/received-span';
import { scanRequest } from '../../src/otlp/scan';
import { SpanReader } from '../../src/otlp/span-index';
import { createMemoryQueue } from '../../src/queue/memory-queue';
import type { QueuePort } from '../../src/queue/port';
import { encodeSpans, type SpanToSend } from './trace-request';

export interface RunningDispatcher {
  dispatcher: Dispatcher;
  queue: QueuePort;
  /** Puts one entry into the queue. */
  offer(spans: readonly SpanToSend[]): Promise<void>;
  /** The spans the processor was given since the last call. */
  taken(): DeliverySpan[];
  /** The exporter's part: tells what became of spans. */
  report(spans: readonly DeliverySpan[], outcome: Outcome): void;
  /** Names, in the order of their settling. */
  delivered: string[];
  /** Dead letters, in the order they were written. */
  letters: { letter: NewDeadLetter; bytes: Buffer }[];
  /** Names, from the bytes of the letters; each letter's in the order of its bytes. */
  readonly deadLettered: [name: string, reason: string][];
  /** What was counted of dead letters, and in which order. */
  counted: [spans: number, reason: string][];
  logs: Record<string, unknown>[];
}

/**
 * A dispatcher over a memory queue, for tests with jest's fake timers. The processor is in the test's hands: it hands every
 * span on at once, unless `onEnd` does something else.
 */
export async function startDispatcher(options: Partial<DispatcherOptions> = {}): Promise<RunningDispatcher> {
  const now = () => Date.now();
  const queue = createMemoryQueue({ bytesMax: 1e9, now });
  const given: DeliverySpan[] = [];
  const delivered: string[] = [];
  const letters: RunningDispatcher['letters'] = [];
  const counted: RunningDispatcher['counted'] = [];
  const logs: Record<string, unknown>[] = [];
  const dispatcher = createDispatcher({
    destination: 'main',
    queue,
    processor: {
      onEnd: (span) => {
        (span as DeliverySpan).arrived = true;
        given.push(span as DeliverySpan);
      },
    },
    prepare: () => {},
    onDelivered: (spans) => delivered.push(...spans.map(({ name }) => name)),
    writeDeadLetter: async (letter, bytes) => {
      letters.push({ letter, bytes: Buffer.concat(bytes) });
    },
    onDeadLettered: (spans, reason) => counted.push([spans, reason]),
    retryMaxAgeMs: 86_400_000,
    log: pino({ level: 'trace' }, { write: (line: string) => logs.push(JSON.parse(line)) }),
    now,
    random: () => 1,
    ...options,
  });
  queue.onAvailable(() => dispatcher.wake());
  dispatcher.start();
  // Its first look at the empty queue is over: what is offered from now on is taken at once.
  await jest.advanceTimersByTimeAsync(0);
  return {
    dispatcher,
    queue,
    offer: (spans) => queue.offer(encodeSpans(spans), { destination: 'main', items: spans.length }),
    taken: () => given.splice(0),
    report: reportOutcome,
    ...{ delivered, letters, counted, logs },
    get deadLettered() {
      return letters.flatMap(({ letter, bytes }) =>
        namesIn(bytes).map((name): [string, string] => [name, letter.reason]),
      );
    },
  };
}

function namesIn(bytes: Buffer): string[] {
  const reader = new SpanReader(bytes);
  return scanRequest(bytes, { check: false }).spans.map((scanned) => new ReceivedSpan(reader, scanned).name);
}
