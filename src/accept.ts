import { GatewayError, retrySoon } from './errors';
import { troubleOf } from './fullness';
import type { Judge } from './judge';
import type { Judgement } from './judgement';
import type { Ledger } from './ledger';
import { type QueuePort, QueueRefusal } from './queue/port';
import type { Accept, RequestSender } from './receiver/accept';

export interface AcceptOptions {
  judge: Judge;
  queue: Pick<QueuePort, 'offer'>;
  /** Where spans go whose sender says nothing else. */
  destination: string;
  ledger: Ledger;
  /** Called once the accepted spans are kept, so that a request that is sent again is not counted twice. */
  onKept: (judgement: Judgement, from: { destination: string; sender: RequestSender }) => void;
  random: () => number;
}

/** The first half of the one sentence: bytes are read as spans, judged one by one and written down. */
export function createAccept(options: AcceptOptions): Accept {
  const { judge, queue, ledger, onKept, random } = options;
  return async ({ destination = options.destination, sender, ...body }) => {
    const judgement = await judge({ ...body, destination });
    if (judgement.accepted > 0) {
      await queue.offer(judgement.bytes, { destination, items: judgement.accepted }).catch((error) => {
        throw refusal(error, random);
      });
      ledger.accepted(judgement.accepted);
    }
    judgement.kept();
    onKept(judgement, { destination, sender });
    return judgement;
  };
}

function refusal(error: unknown, random: () => number): unknown {
  if (!(error instanceof QueueRefusal)) return error;
  if (error.reason !== 'too_large') return retrySoon(`${troubleOf(error)}; the spans were not kept`, random);
  return new GatewayError('too_large', `${error.message}; send smaller batches or raise GATEWAY_QUEUE_MAX_BYTES`);
}
