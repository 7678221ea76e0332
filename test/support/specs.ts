import { type MessageSpec, REQUEST } from '../../src/otlp/schema';
import type { MessageName } from './otlp-messages';

/** The table that src/otlp reads a message by, found from the request on, field by field. */
export function specOf(name: MessageName): MessageSpec {
  const found = reachable().find((spec) => spec.name === name.split('.').at(-1));
  if (found === undefined) throw new Error(`no message ${name}`);
  return found;
}

function reachable(): MessageSpec[] {
  const seen = new Set<MessageSpec>([REQUEST]);
  // A set that grows while it is walked: what is added comes later.
  for (const spec of seen) {
    for (const known of spec.byName.values()) if (known.message !== undefined) seen.add(known.message);
  }
  return [...seen];
}
