import { GatewayError } from '../errors';

/** Spans of one request, and resources and scopes of one. Exporters send hundreds, Collectors thousands. */
export const SPANS_MAX = 100_000;
export const GROUPS_MAX = 100_000;
/**
 * Attributes, values, events and links of one request. 64 MiB of the smallest useful spans hold fewer; a body made for the
 * purpose holds thirty million, and compressed it is a few kilobytes.
 */
export const MESSAGES_MAX = 3_000_000;

/** Events and links among them: each becomes many times its size where Langfuse shows it. */
export const DETAILS_MAX = 200_000;

/** Counts what a request is made of, so that a small body cannot cost a large one's time and memory many times over. */
export class RequestLimits {
  readonly #messagesMax: number;
  #spans = 0;
  #groups = 0;
  #messages = 0;
  #details = 0;

  span(): void {
    if (++this.#spans > SPANS_MAX) throw tooMany(SPANS_MAX, 'spans');
  }

  constructor(messagesMax = MESSAGES_MAX) {
    this.#messagesMax = messagesMax;
  }

  /** Attributes, values, events and links so far. */
  get messages(): number {
    return this.#messages;
  }

  /** A resource or a scope. */
  group(): void {
    if (++this.#groups > GROUPS_MAX) throw tooMany(GROUPS_MAX, 'resources and scopes');
  }

  /** An attribute, a value, an event or a link. */
  message(): void {
    if (++this.#messages > this.#messagesMax) throw tooMany(this.#messagesMax, 'attributes, values, events and links');
  }

  /** An event or a link, which is counted as a message, too. */
  detail(): void {
    if (++this.#details > DETAILS_MAX) throw tooMany(DETAILS_MAX, 'events and links');
  }
}

const tooMany = (limit: number, what: string) =>
  new GatewayError('too_large', `more than ${limit} ${what} in one request; send smaller batches`);
