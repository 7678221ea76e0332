import type { Logger } from 'pino';
import type { Entry } from '../queue/port';
import type { Attempt, DeliverySpan } from './attempt';
import type { Trouble } from './health';
import type { MediaClient, MediaFailure, Medium } from './media-client';
import { mayHoldMedia, type Replaced, replaceMedia } from './media-in-span';
import { createMediaMemory, type MediaMemory } from './media-memory';
import { createPatientClient, createSay, type PatientClient } from './media-patience';
import { createSlots, type Slot, type SlotLimits, type Slots } from './media-slots';
import { createMediaUploader, type MediaOutcome, type MediaUploader, type UploadResult } from './media-uploader';
import type { Retry } from './outcome';

export interface RoomLimits extends SlotLimits {
  /** Of entries that are held for the uploads of their spans; an entry alone may be larger. */
  readonly heldBytesMax: number;
  /** How fast entries come back that were sent away: each of them is read again. */
  readonly againBytesPerSecond: number;
}

export const ROOM_LIMITS: RoomLimits = {
  heldBytesMax: 64 * 1024 * 1024,
  againBytesPerSecond: 4_000_000,
  ...{ max: 8, slowMax: 56, slowAfterMs: 2_000 },
};

/** Where spans wait until what they show is in Langfuse's store: an upload that hangs holds up its own span alone. */
export interface MediaRoom {
  /**
   * Holds the spans of an attempt that show media. Of each it is heard later: by `onReady` when its media is there and the
   * attempt has let go of it, else as an outcome. The first entry for which there is no room waits for it, and nobody gets
   * in before it; others are sent away, as in a pause of uploads. What the attempt gives up meanwhile goes on, and the next
   * attempt of its entry joins it.
   */
  hold(entry: Entry, attempt: Attempt, onReady: (span: DeliverySpan) => void): void;
  trouble(): Trouble | undefined;
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
  random: () => number;
  limits?: RoomLimits;
}

export function createMediaRoom(options: MediaRoomOptions): MediaRoom {
  return new UploadRoom(options);
}

class UploadRoom implements MediaRoom {
  readonly #options: MediaRoomOptions;
  readonly #limits: RoomLimits;
  readonly #stopping = new AbortController();
  readonly #client: PatientClient;
  readonly #uploader: MediaUploader;
  readonly #slots: Slots;
  readonly #memory: MediaMemory;
  readonly #say: (failure: MediaFailure) => void;
  readonly #guests = new Map<string, Guest>();
  /** The one before the door. */
  #first: Guest | undefined;
  #heldBytes = 0;
  /** When the last of those that were sent away comes back. */
  #lastBackMs = 0;

  constructor(options: MediaRoomOptions) {
    const { now, onMedia, limits = ROOM_LIMITS } = options;
    const { signal } = this.#stopping;
    this.#options = options;
    this.#limits = limits;
    this.#client = createPatientClient({ ...options, signal, onFailed: () => onMedia('failed') });
    this.#uploader = createMediaUploader({ client: this.#client, now });
    this.#slots = createSlots(limits);
    this.#memory = createMediaMemory(now);
    this.#say = createSay(options);
  }

  hold(entry: Entry, attempt: Attempt, onReady: (span: DeliverySpan) => void): void {
    const spans = mayHoldMedia(entry.bytes, attempt.spans);
    if (spans.length === 0) return;
    const { id, bytes } = entry;
    const known = this.#guests.get(id) ?? (this.#first?.id === id ? this.#first : undefined);
    const refusal = known === undefined ? this.#refusal(bytes.length) : undefined;
    if (refusal !== undefined) {
      attempt.report(spans, refusal);
      return;
    }
    attempt.hold(spans);
    const guest = known ?? { id, bytes: bytes.length, waiters: new Map<number, Waiter>() };
    for (const span of spans) this.#seat(guest, { span, attempt, onReady });
    if (known !== undefined) return;
    if (this.#hasRoom(bytes.length)) this.#enter(guest);
    else this.#first = guest;
  }

  /** What was begun for an earlier attempt is for this one from now on. */
  #seat(guest: Guest, waiter: Waiter): void {
    const { position } = waiter.span;
    const underWay = guest.waiters.get(position);
    if (underWay === undefined) guest.waiters.set(position, waiter);
    else Object.assign(underWay, waiter);
    if (underWay === undefined && this.#guests.has(guest.id)) void this.#begin(guest, position, waiter);
  }

  trouble(): Trouble | undefined {
    return this.#client.trouble();
  }

  stop(): void {
    this.#stopping.abort();
    void this.close();
    const waiters = this.#first?.waiters ?? new Map<number, Waiter>();
    this.#first = undefined;
    for (const { span, attempt } of waiters.values()) attempt.report([span], BROKEN_OFF);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #hasRoom(bytes: number): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + bytes <= this.#limits.heldBytesMax;
  }

  /** Whoever is sent away comes back at a time of its own. */
  #refusal(bytes: number): Retry | undefined {
    const { now } = this.#options;
    const refusal = this.#client.paused() ?? (this.#first === undefined ? undefined : NO_ROOM);
    if (refusal === undefined) return undefined;
    this.#lastBackMs = Math.max(this.#lastBackMs, now()) + Math.ceil((bytes / this.#limits.againBytesPerSecond) * 1000);
    return { ...refusal, afterMs: Math.max(refusal.afterMs ?? 0, this.#lastBackMs - now()) };
  }

  #enter(guest: Guest): void {
    this.#heldBytes += guest.bytes;
    this.#guests.set(guest.id, guest);
    for (const [position, waiter] of [...guest.waiters]) void this.#begin(guest, position, waiter);
  }

  #leave(guest: Guest): void {
    this.#guests.delete(guest.id);
    this.#heldBytes -= guest.bytes;
    const next = this.#first;
    if (next === undefined || !this.#hasRoom(next.bytes)) return;
    this.#first = undefined;
    this.#enter(next);
  }

  async #begin(guest: Guest, position: number, waiter: Waiter): Promise<void> {
    const outcome = await this.#replaceIn(guest.id, position, waiter);
    guest.waiters.delete(position);
    if (guest.waiters.size === 0) this.#leave(guest);
    const { span, attempt, onReady } = waiter;
    if (span.isSettled) return;
    if (outcome.kind === 'retry') {
      attempt.report([span], outcome);
      return;
    }
    this.#memory.take(guest.id, position);
    for (const [key, text] of outcome.texts) span.attributes[key] = text;
    attempt.release(span);
    onReady(span);
  }

  async #replaceIn(id: string, position: number, waiter: Waiter): Promise<Replaced | Retry> {
    const { signal } = this.#stopping;
    const slot = await this.#slots.enter(id);
    const results = this.#memory.take(id, position);
    let isLater = false;
    const upload = async (medium: Medium) => {
      if (isLater) await slot.turn();
      isLater = true;
      return signal.aborted ? BROKEN_OFF : this.#upload(medium, slot);
    };
    try {
      return signal.aborted ? BROKEN_OFF : await replaceMedia(waiter.span, { upload, results });
    } catch {
      this.#say(INTERNAL);
      return INTERNAL;
    } finally {
      slot.leave();
      // Should the span come again, be it that something has failed or that its attempt has ended meanwhile.
      this.#memory.put(id, position, results);
    }
  }

  async #upload(medium: Medium, slot: Slot): Promise<UploadResult> {
    const result = await this.#uploader.upload(medium, slot.outside);
    if (this.#stopping.signal.aborted || result.kind === 'retry') return result;
    this.#options.onMedia(result.kind === 'there' ? result.outcome : 'refused');
    if (result.kind === 'refused') this.#say(result);
    return result;
  }
}

/** An entry in the room, or the one before its door. */
interface Guest {
  readonly id: string;
  readonly bytes: number;
  /** Spans whose media is not there, by position. */
  readonly waiters: Map<number, Waiter>;
}

/** Of the last attempt of the entry. */
interface Waiter {
  span: DeliverySpan;
  attempt: Attempt;
  onReady: (span: DeliverySpan) => void;
}

const BROKEN_OFF: Retry = { kind: 'retry', reason: 'shutdown', unsent: true, media: true };
const NO_ROOM: Retry = { kind: 'retry', reason: 'media_room', unsent: true, media: true };
const INTERNAL: Retry = { kind: 'retry', reason: 'media_internal', media: true };
