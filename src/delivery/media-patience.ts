import type { Logger } from 'pino';
import { addSpans, createSampler } from '../sampler';
import { describeFailure } from './failure-reason';
import { type Trouble, troubleAfter } from './health';
import type { MediaClient, MediaFailure } from './media-client';
import type { Retry } from './outcome';
import { createPause } from './pause';

export interface PatienceOptions {
  destination: string;
  client: MediaClient;
  /** Of what was asked, not of what was not because of that. */
  onFailed: () => void;
  /** Set: what fails fails because of that. */
  signal: AbortSignal;
  log: Logger;
  now: () => number;
  random: () => number;
}

export interface PatientClient extends MediaClient {
  /** Set in a pause: what would be the answer, and how long it lasts. */
  paused(): Retry | undefined;
  /** While the last answer to one of the steps was a failure. */
  trouble(): Trouble | undefined;
}

/**
 * One failure of the media API pauses all that is asked of it, with the pauses that posts make; then one asks whether it is
 * well, and the others wait for that. A store that fails pauses nothing: what is put there is large, and may be to blame.
 */
export function createPatientClient({ client, onFailed, signal, ...options }: PatienceOptions): PatientClient {
  const { now, random } = options;
  const pause = createPause({ now, random });
  const say = createSay(options);
  const troubles = new Map<Step, Trouble>();
  let probe: Promise<unknown> | undefined;
  let lastFailure: { step: Step; retry: Retry } | undefined;

  async function heard<T extends { kind: string }>(step: Step, asking: Promise<T | Retry>): Promise<T | Retry> {
    const answer = await asking;
    if (signal.aborted) return answer;
    if (!isRetry(answer)) {
      troubles.delete(step);
      return answer;
    }
    troubles.set(step, troubleAfter(troubles.get(step), answer, now));
    onFailed();
    say(answer);
    return answer;
  }

  async function heardOfApi<T extends { kind: string }>(step: Step, asking: Promise<T | Retry>): Promise<T | Retry> {
    const answer = await heard(step, asking);
    if (signal.aborted) return answer;
    if (isRetry(answer)) {
      pause.failed(answer);
      lastFailure = { step, retry: answer };
    }
    // Announcements that succeed say nothing of confirmations that fail.
    else if (lastFailure?.step === step) pause.delivered();
    return answer;
  }

  /** Not given up unsent: what has failed for the longest time has failed for all that wait. */
  function paused(): Retry | undefined {
    const afterMs = pause.untilMs() - now();
    return afterMs > 0 && lastFailure !== undefined ? { ...lastFailure.retry, afterMs } : undefined;
  }

  async function ask<T extends { kind: string }>(step: Step, request: () => Promise<T | Retry>): Promise<T | Retry> {
    for (;;) {
      const before = paused();
      if (before !== undefined) return before;
      if (!pause.isProbing()) return heardOfApi(step, request());
      if (probe === undefined) break;
      await probe;
    }
    const asking = heardOfApi(step, request());
    probe = asking;
    try {
      return await asking;
    } finally {
      probe = undefined;
    }
  }

  return {
    announce: (medium) => ask('announce', () => client.announce(medium)),
    put: (uploadUrl, medium) => heard('put', client.put(uploadUrl, medium)),
    confirm: (mediaId, put) => ask('confirm', () => client.confirm(mediaId, put)),
    close: client.close,
    paused,
    trouble: () => troubles.get('announce') ?? troubles.get('confirm') ?? troubles.get('put'),
  };
}

type Step = 'announce' | 'put' | 'confirm';

const isRetry = (answer: { kind: string }): answer is Retry => answer.kind === 'retry';

/** Once in a while and kind; of the medium nothing but that there was one. */
export function createSay({ destination, log, now }: Pick<PatienceOptions, 'destination' | 'log' | 'now'>) {
  const sample = createSampler<string, { failure: MediaFailure; spans: number }>({
    now,
    add: addSpans,
    say: (_, { failure, spans: count }) => {
      if (failure.kind === 'refused') {
        const fields = { destination, count, status: failure.status };
        log.warn(
          fields,
          `${destination} does not take media of that type or size: ${count} of them stay in their spans`,
        );
        return;
      }
      const { reason, configuration } = failure;
      const fields = { destination, count, reason };
      const text = `media could not be uploaded for ${destination} (${describeFailure(reason)}); their spans are kept and tried again`;
      if (configuration) log.error(fields, `${text}; ${adviceOn(reason)}, or set media: inline`);
      else log.warn(fields, text);
    },
  });
  return (failure: MediaFailure) => {
    sample(failure.kind === 'refused' ? `refused ${failure.status}` : failure.reason, { failure, spans: 1 });
  };
}

/** What somebody can mend. */
function adviceOn(reason: string): string {
  if (reason === 'media_http_401') return 'check the keys of this destination';
  if (reason.startsWith('media_upload_'))
    return 'check the bucket of Langfuse’s media store, its endpoint and credentials';
  return 'check that this Langfuse has a media store set up';
}
