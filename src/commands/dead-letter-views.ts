import type { DamagedLetter, DeadLetter } from '../dead-letters/letter';
import type { DeadLetterStore } from '../dead-letters/store';
import { otlpJson } from './otlp-json';

type Print = (line: string) => void;

interface ListOptions {
  store: Pick<DeadLetterStore, 'list'>;
  out: Print;
  onDamaged: (damaged: DamagedLetter) => void;
}

/** A line each, the ID first; nothing when there are none. */
export async function printLetters({ store, out, onDamaged }: ListOptions): Promise<void> {
  for await (const letter of store.list(onDamaged)) out(inOneLine(letter));
}

/** One JSON array, a line for each of its elements: never all of them in memory. */
export async function printLettersAsJson({ store, out, onDamaged }: ListOptions): Promise<void> {
  let before: string | undefined;
  for await (const letter of store.list(onDamaged)) {
    if (before !== undefined) out(`${before},`);
    before = `${before === undefined ? '[' : ''}${JSON.stringify(letter)}`;
  }
  out(before === undefined ? '[]' : `${before}]`);
}

/** Why it was given up, an empty line, its spans. `file`: where its bytes are. */
export function printLetter({ letter, bytes }: { letter: DeadLetter; bytes: Buffer }, file: string, out: Print): void {
  out(`dead letter  ${letter.id}`);
  out(`destination  ${letter.destination}`);
  out(`reason       ${letter.reason}`);
  out(`status       ${letter.status ?? 'none'}`);
  out(`attempts     ${letter.attempts}`);
  out(`came         ${letter.firstAt}`);
  out(`given up     ${letter.lastAt}`);
  out(`spans        ${letter.spans.length}`);
  out(`file         ${file} (OTLP protobuf, ${letter.bytes} bytes)`);
  out('');
  for (const request of otlpJson(bytes)) out(request);
}

function inOneLine({ id, destination, reason, status, attempts, lastAt, bytes, spans }: DeadLetter): string {
  return [
    id,
    destination,
    status === null ? reason : `${reason} (${status})`,
    `${attempts} attempt(s)`,
    `given up ${lastAt}`,
    `${spans.length} span(s)`,
    `${bytes} bytes`,
  ].join('  ');
}
