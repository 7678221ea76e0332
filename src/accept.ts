import { type Admission, admit } from './admission/admit';
import type { RepairName } from './admission/repairs';
import { GatewayError, retrySoon } from './errors';
import { troubleOf } from './fullness';
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

function refusal(error: unknown, random: () => number): unknown {
  if (!(error instanceof QueueRefusal)) return error;
  if (error.reason !== 'too_large') return retrySoon(`${troubleOf(error)}; the spans were not kept`, random);
  return new GatewayError('too_large', `${error.message}; send smaller batches or raise GATEWAY_QUEUE_MAX_BYTES`);
}
