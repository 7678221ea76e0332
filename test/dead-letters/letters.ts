import type { NewDeadLetter } from '../../src/dead-letters/letter';
import { createDeadLetterStore, type DeadLetterStore } from '../../src/dead-letters/store';
import { type Files, realFiles } from '../../src/queue/files';
import { encodeSpans, numberedSpans, type SpanToSend, spanIdOf, TRACE_ID } from '../support/trace-request';

/** 2026-11-20T10:55:33.123Z. */
export const NOW_MS = Date.UTC(2026, 10, 20, 10, 55, 33, 123);

/** A letter of these spans that was given up at `atMs`, and its bytes. */
export function letterOf(
  spans: readonly SpanToSend[] = numberedSpans(2),
  { destination = 'main', atMs = NOW_MS, status = 400 as number | null } = {},
): { letter: NewDeadLetter; bytes: Buffer } {
  const letter: NewDeadLetter = {
    ...{ destination, reason: 'refused', status, attempts: 3 },
    ...{ firstAt: new Date(atMs - 60_000).toISOString(), lastAt: new Date(atMs).toISOString() },
    spans: spans.map(({ name, traceId = TRACE_ID, spanId = spanIdOf(name) }) => ({ traceId, spanId })),
  };
  return { letter, bytes: encodeSpans(spans) };
}

/** A store whose IDs end in 00000001, 00000002 and so on. */
export function storeAt(
  directory: string,
  { files = realFiles, now = () => NOW_MS }: { files?: Files; now?: () => number } = {},
): DeadLetterStore {
  let last = 0;
  return createDeadLetterStore({ files, directory, now, randomId: () => (++last).toString(16).padStart(8, '0') });
}

/** Writes a letter of these spans. Resolves to its ID. */
export async function put(store: DeadLetterStore, ...given: Parameters<typeof letterOf>): Promise<string> {
  const { letter, bytes } = letterOf(...given);
  return store.write(letter, [bytes]);
}

/** All letters there are; fails when one is damaged. */
export async function lettersOf(store: Pick<DeadLetterStore, 'list'>) {
  const letters = [];
  const failed = (damaged: Error) => {
    throw damaged;
  };
  for await (const letter of store.list(failed)) letters.push(letter);
  return letters;
}
