/** Why spans were given up, beside the spans themselves. As it stands in `ID.json`, and in the same order. */
export interface DeadLetter {
  readonly id: string;
  readonly destination: string;
  /** The label in `gateway_dead_lettered_spans_total{reason}`. */
  readonly reason: string;
  /** HTTP status of the answer they were given up for; `null` when it was no answer. */
  readonly status: number | null;
  readonly attempts: number;
  /** When they came, and when they were given up. ISO 8601. */
  readonly firstAt: string;
  readonly lastAt: string;
  /** Of `ID.otlp`. */
  readonly bytes: number;
  readonly spans: readonly LetterSpan[];
}

/** Ids in hex. */
interface LetterSpan {
  readonly traceId: string;
  readonly spanId: string;
}

export type NewDeadLetter = Omit<DeadLetter, 'id' | 'bytes'>;

/** The files of a letter are there, but they do not say what they should. The message names the letter. */
export class DamagedLetter extends Error {
  constructor(
    readonly id: string,
    readonly problem: string,
  ) {
    super(`dead letter ${id}: ${problem}`);
    this.name = 'DamagedLetter';
  }
}

/** Only what looks like this becomes a path. */
const LETTER_ID = /^\d{8}T\d{9}Z-[0-9a-f]{8}$/;

export const isLetterId = (text: string) => LETTER_ID.test(text);

/** IDs sort by time: `20261120T105533123Z-4f9a1c2e`. `random`: 8 hexadecimal digits. */
export const letterId = (atMs: number, random: string) =>
  `${new Date(atMs).toISOString().replace(/[-:.]/g, '')}-${random}`;

export const writeLetter = (letter: DeadLetter): Buffer => Buffer.from(`${JSON.stringify(ofFields(letter))}\n`);

/** Throws DamagedLetter when it is not the JSON of that letter. */
export function readLetter(id: string, json: Buffer): DeadLetter {
  let read: unknown;
  try {
    read = JSON.parse(json.toString());
  } catch {
    throw new DamagedLetter(id, `${id}.json is no JSON`);
  }
  if (!isLetter(read)) throw new DamagedLetter(id, `${id}.json does not describe a dead letter`);
  if (read.id !== id) throw new DamagedLetter(id, `${id}.json describes another one`);
  return ofFields(read);
}

/** These fields and no others, in this order. */
function ofFields({
  id,
  destination,
  reason,
  status,
  attempts,
  firstAt,
  lastAt,
  bytes,
  spans,
}: DeadLetter): DeadLetter {
  const ids = spans.map(({ traceId, spanId }) => ({ traceId, spanId }));
  return { id, destination, reason, status, attempts, firstAt, lastAt, bytes, spans: ids };
}

type Fields = { readonly [K in keyof DeadLetter]?: unknown };

function isLetter(read: unknown): read is DeadLetter {
  if (typeof read !== 'object' || read === null) return false;
  const { id, destination, reason, status, attempts, firstAt, lastAt, bytes, spans } = read as Fields;
  return (
    [id, destination, reason].every((text) => typeof text === 'string' && text !== '') &&
    [attempts, bytes].every((number) => typeof number === 'number') &&
    (status === null || typeof status === 'number') &&
    isTime(firstAt) &&
    isTime(lastAt) &&
    Array.isArray(spans) &&
    spans.every(isLetterSpan)
  );
}

const isTime = (read: unknown) => typeof read === 'string' && !Number.isNaN(Date.parse(read));

function isLetterSpan(read: unknown): read is LetterSpan {
  if (typeof read !== 'object' || read === null) return false;
  const { traceId, spanId } = read as { readonly [K in keyof LetterSpan]?: unknown };
  return typeof traceId === 'string' && typeof spanId === 'string';
}
