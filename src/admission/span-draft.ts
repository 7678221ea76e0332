import type { Draft, VisibilityWarning } from '../langfuse/draft';
import type { SpanEdit } from '../otlp/edit-span';
import type { ReceivedSpan } from '../otlp/received-span';

export interface SpanDraftOptions {
  readonly isRoot: boolean;
  readonly receivedAt: Draft['receivedAt'];
  readonly warn: (warning: VisibilityWarning) => void;
}

/** A received span and what the rules make of it. */
export class SpanDraft implements Draft {
  readonly isRoot: boolean;
  readonly receivedAt: Draft['receivedAt'];
  readonly warn: (warning: VisibilityWarning) => void;
  /** Grows with everything that is changed. */
  changes = 0;
  readonly #span: ReceivedSpan;
  readonly #edit: SpanEdit = {};

  constructor(span: ReceivedSpan, { isRoot, receivedAt, warn }: SpanDraftOptions) {
    this.#span = span;
    this.isRoot = isRoot;
    this.receivedAt = receivedAt;
    this.warn = warn;
  }

  get span(): Draft['span'] {
    return this.#span;
  }

  add(key: string, value: string | number | boolean): void {
    if (!(key in this.#span.attributes)) this.replace(key, value);
  }

  replace(key: string, value: string | number | boolean | undefined): void {
    const { attributes } = this.#span;
    if (value === undefined ? !(key in attributes) : Object.is(attributes[key], value)) return;
    if (value === undefined) delete attributes[key];
    else attributes[key] = value;
    this.changes++;
  }

  setTimes({ start, end }: Parameters<Draft['setTimes']>[0]): void {
    this.#edit.startTime = nanosOf(start);
    if (end !== undefined) this.#edit.endTime = nanosOf(end);
    this.changes++;
  }

  valuesToJson(): void {
    this.changes += this.#span.complexToJson();
  }

  /** What is to be done to the span. */
  edit(): SpanEdit {
    const attributes = this.#span.changedAttributes();
    return { ...this.#edit, ...(attributes.size > 0 ? { attributes } : {}) };
  }
}

const nanosOf = ([seconds, nanos]: Draft['receivedAt']) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
