import type { Logger } from 'pino';
import type { Entry } from '../queue/port';
import { addSpans, createSampler } from '../sampler';
import type { Attempt, DeliverySpan } from './attempt';
import { describeFailure } from './failure-reason';
import type { MediaClient, Medium } from './media-client';
import { mayHoldMedia, replaceMedia } from './media-in-span';
import { createMediaUploader, type MediaOutcome, type UploadResult } from './media-uploader';
import type { Retry } from './outcome';

/** Entries that are held for the uploads of their spans; an entry alone may be larger. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** Spans whose media is uploaded at once. */
export const UPLOADS_MAX = 8;

/** Where spans wait until what they show is in Langfuse's store: an upload that hangs holds up its own span alone. */
export interface MediaRoom {
  /**
   * Holds the spans of an attempt that show media. Of each it is heard later: by `onReady` when its media is there and the
   * attempt has let go of it, else as an outcome. Where there is no room they have their outcome at once.
   */
  hold(entry: Entry, attempt: Attempt, onReady: (span: DeliverySpan) => void): void;
  /** Breaks off what is under way; nothing of it is lost. */
  stop(): void;
  close(): Promise<void>;
}

export interface MediaRoomOptions {
  destination: string;
  client: MediaClient;
  onMedia: (outcome: MediaOutcome) => void;
  log: Logger;
  now: () => number;
  limits?: { readonly heldBytesMax: number; readonly uploadsMax: number; readonly confirmPauseMs?: number };
}

export function createMediaRoom(options: MediaRoomOptions): MediaRoom {
  const { client, now, limits = { heldBytesMax: HELD_BYTES_MAX, uploadsMax: UPLOADS_MAX } } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const slots = createSlots(limits.uploadsMax);
  const { confirmPauseMs } = limits;
  const { upload } = createMediaUploader({ client, now, signal, confirmPauseMs, outside: slots.outside });
  const say = createSay(options);
  let heldBytes = 0;
  /** Langfuse counts uploads, and asked for patience with all of them. */
  let askedUntilMs = 0;

  async function uploadAndTell(medium: Medium): Promise<UploadResult> {
    const result = await upload(medium);
    if (signal.aborted) return result;
    if (result.kind === 'there') options.onMedia(result.outcome);
    else {
      options.onMedia(result.kind === 'refused' ? 'refused' : 'failed');
      say(result);
      if (result.kind === 'retry' && result.reason === 'media_http_429')
        askedUntilMs = Math.max(askedUntilMs, now() + (result.afterMs ?? 0));
    }
    return result;
  }

  async function replaceIn(span: DeliverySpan): Promise<Retry | undefined> {
    await slots.enter();
    try {
      if (signal.aborted) return BROKEN_OFF;
      const waitMs = askedUntilMs - now();
      if (waitMs > 0) return { ...BROKEN_OFF, reason: 'media_http_429', afterMs: waitMs };
      return await replaceMedia(span, uploadAndTell);
    } catch {
      const failure: Retry = { kind: 'retry', reason: 'media_internal', media: true };
      say(failure);
      return failure;
    } finally {
      slots.leave();
    }
  }

  return {
    hold(entry, attempt, onReady) {
      const spans = mayHoldMedia(entry.bytes, attempt.spans);
      if (spans.length === 0) return;
      const { length } = entry.bytes;
      if (heldBytes > 0 && heldBytes + length > limits.heldBytesMax) return attempt.report(spans, NO_ROOM);
      heldBytes += length;
      attempt.hold(spans);
      let left = spans.length;
      for (const span of spans) {
        void replaceIn(span).then((failure) => {
          if (--left === 0) heldBytes -= length;
          if (failure !== undefined) return attempt.report([span], failure);
          attempt.release(span);
          onReady(span);
        });
      }
    },
    stop() {
      stopping.abort();
      void client.close();
    },
    close: client.close,
  };
}

const BROKEN_OFF: Retry = { kind: 'retry', reason: 'shutdown', unsent: true, media: true };
const NO_ROOM: Retry = { kind: 'retry', reason: 'media_room', unsent: true, media: true };

/** So many at a time, in the order they came. */
function createSlots(max: number) {
  const waiting: (() => void)[] = [];
  let taken = 0;
  const enter = async () => {
    if (taken < max) taken++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) taken--;
    else next();
  };
  return {
    enter,
    leave,
    /** Others have its place while it only waits. */
    async outside<T>(waitedFor: Promise<T>): Promise<T> {
      leave();
      try {
        return await waitedFor;
      } finally {
        await enter();
      }
    },
  };
}

/** Once in a while and kind; of the medium nothing but that there was one. */
function createSay({ destination, log, now }: MediaRoomOptions) {
  const sample = createSampler<string, { failure: Exclude<UploadResult, { kind: 'there' }>; spans: number }>({
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
      const why = describeFailure(reason);
      const text = `media could not be uploaded for ${destination} (${why}); their spans are kept and tried again`;
      if (configuration) log.error(fields, text);
      else log.warn(fields, text);
    },
  });
  return (failure: Exclude<UploadResult, { kind: 'there' }>) => {
    const kind = failure.kind === 'refused' ? `refused ${failure.status}` : failure.reason;
    sample(kind, { failure, spans: 1 });
  };
}
