import { Attempt, DeliverySpan } from '../../src/delivery/attempt';
import type { Outcome } from '../../src/delivery/outcome';
import { scanRequest } from '../../src/otlp/scan';
import { SpanReader } from '../../src/otlp/span-index';

export interface StartedAttempt {
  attempt: Attempt;
  spans: readonly DeliverySpan[];
  /** What was heard of each span, by its name, in order. */
  heard: Map<string, Outcome[]>;
  /** Whether all that was left of it was held, as often as that changed. */
  held: boolean[];
  /** How often the attempt was said to be done. */
  done(): number;
}

/** An attempt of all spans of a protobuf request. */
export function startAttempt(bytes: Buffer): StartedAttempt {
  const heard = new Map<string, Outcome[]>();
  const held: boolean[] = [];
  let done = 0;
  const attempt = new Attempt({
    onOutcome: (spans, outcome) => {
      for (const { name } of spans) heard.get(name)?.push(outcome);
    },
    onDone: () => {
      done++;
    },
    onHeld: (isHeld) => held.push(isHeld),
  });
  const reader = new SpanReader(bytes);
  for (const scanned of scanRequest(bytes, { check: false }).spans) {
    attempt.add(new DeliverySpan(reader, scanned, attempt));
  }
  for (const { name } of attempt.spans) heard.set(name, []);
  return { attempt, spans: attempt.spans, heard, held, done: () => done };
}
