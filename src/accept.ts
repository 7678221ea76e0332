import type { Logger } from 'pino';
import { type Admission, admit } from './admission/admit';
import type { RepairName } from './admission/repairs';
import { GatewayError, retrySoon } from './errors';
import type { Ledger } from './ledger';
import { type ConvertedRequest, convertJsonRequest, convertJsonRequestInSteps } from './otlp/json-request';
import { scanRequest } from './otlp/scan';
import { type QueuePort, QueueRefusal } from './queue/port';
import type { Accept } from './receiver/accept';

export interface AcceptOptions {
  queue: Pick<QueuePort, 'offer'>;
  destination: string;
  repairs: Readonly<Record<RepairName, boolean>>;
  ledger: Ledger;
  /** Called once the accepted spans are kept, so that a request that is sent again is not counted twice. */
  onAdmitted: (admission: Admission) => void;
  random: () => number;
}

/** The first half of the one sentence: bytes are read as spans, judged one by one and written down. */
export function createAccept(options: AcceptOptions): Accept {
  const { queue, destination, repairs, ledger, onAdmitted, random } = options;
  const enabled = (repair: RepairName) => repairs[repair];
  return async ({ format, bytes }) => {
    const converted = format === 'json' ? await convert(bytes, enabled) : undefined;
    const request = scanRequest(converted?.bytes ?? bytes, { check: true });
    const admission = admit(request, enabled, converted);
    if (admission.accepted > 0) {
      await queue.offer(admission.bytes, { destination, items: admission.accepted }).catch((error) => {
        throw refusal(error, random);
      });
      ledger.accepted(admission.accepted);
    }
    onAdmitted(admission);
    return admission;
  };
}

/** JSON bodies from here on are read in slices, with other requests between them. */
const LARGE_BYTES = 1024 * 1024;
const SLICE_MS = 10;

async function convert(bytes: Buffer, enabled: (repair: RepairName) => boolean): Promise<ConvertedRequest> {
  if (bytes.length < LARGE_BYTES) return convertJsonRequest(bytes, enabled);
  let sliceEndMs = performance.now() + SLICE_MS;
  return convertJsonRequestInSteps(bytes, enabled, () => {
    if (performance.now() < sliceEndMs) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        sliceEndMs = performance.now() + SLICE_MS;
        resolve();
      });
    });
  });
}

/** How long after a refusal bodies are refused unread, and how long the gateway calls its queue full. */
const FULL_MS = 1_000;
const FULL_MEMORY_MS = 10_000;

export interface Fullness {
  /** The queue's own, remembered. */
  offer: QueuePort['offer'];
  /** True while reading a body would be in vain: within 1 s of a refusal, unless something was delivered since. */
  isFull(): boolean;
  /** True within 10 s of a refusal, or while not a byte is free. */
  wasFull(): boolean;
}

/** Remembers when the queue had no room, and logs when that begins and when it is over. */
export function createFullness(options: {
  queue: Pick<QueuePort, 'offer' | 'stats'>;
  bytesMax: number;
  now: () => number;
  log: Logger;
}): Fullness {
  const { queue, bytesMax, now, log } = options;
  let refused = { atMs: -Infinity, bytes: 0 };
  let isRefusing = false;
  const isWithin = (ms: number) => now() - refused.atMs < ms;
  const wasFull = () => isWithin(FULL_MEMORY_MS) || queue.stats().bytes >= bytesMax;
  const begin = () => {
    if (!isRefusing) log.warn('the queue is full: new spans are refused');
    isRefusing = true;
  };
  return {
    wasFull,
    isFull() {
      const { bytes } = queue.stats();
      const full = bytes >= bytesMax || (isWithin(FULL_MS) && bytes >= refused.bytes);
      if (full) begin();
      return full;
    },
    async offer(bytes, label) {
      try {
        await queue.offer(bytes, label);
      } catch (error) {
        if (error instanceof QueueRefusal && error.reason === 'full') {
          refused = { atMs: now(), bytes: queue.stats().bytes };
          begin();
        }
        throw error;
      }
      // Near its bound a queue takes small requests and refuses larger ones: that is one spell, not many.
      if (isRefusing && !wasFull()) {
        isRefusing = false;
        log.info('the queue has room again: new spans are taken');
      }
    },
  };
}

function refusal(error: unknown, random: () => number): unknown {
  if (!(error instanceof QueueRefusal)) return error;
  if (error.reason === 'full') return retrySoon('the queue is full; the spans were not kept', random);
  return new GatewayError('too_large', `${error.message}; send smaller batches or raise GATEWAY_QUEUE_MAX_BYTES`);
}
