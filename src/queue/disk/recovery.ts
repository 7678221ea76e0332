import { join } from 'node:path';
import type { Files } from '../files';
import { type Outcome, readOutcomes } from './outcomes';
import { recordBytes } from './record';
import { type Damage, type Found, Scanner } from './scanner';
import { isOutcomesName, parseSegmentName, Segment } from './segment';
import { Window } from './window';

export interface RecoveryOptions {
  files: Files;
  directory: string;
  onDamage: (segment: Segment, damage: Damage) => Promise<void>;
  /** The disk does not give back what is left of it. */
  onSkipped: (segment: Segment, code: string) => void;
}

/**
 * Reads a lane's directory as an earlier process has left it, its segments in order. Every record is looked at, so that
 * what is bad is known at once. The segments are sealed: each process writes to its own.
 */
export async function recover(options: RecoveryOptions): Promise<Segment[]> {
  const { files, directory } = options;
  const names = (await files.list(directory)).sort();
  const segments: Segment[] = [];
  for (const name of names) {
    const parsed = parseSegmentName(name);
    if (parsed === undefined) continue;
    // A power cut can bring back a name that was removed, after its number was given again.
    const number = Math.max(parsed.number, (segments.at(-1)?.number ?? 0) + 1);
    const segment = new Segment(directory, number, parsed.mark, parsed.number);
    segment.isSealed = true;
    segments.push(segment);
    try {
      await readNotes(segment, files);
      await readSegment(segment, options);
    } catch (error) {
      // One bad sector does not keep all the rest from being delivered. What was found before it counts.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EIO') throw error;
      options.onSkipped(segment, code);
    }
  }
  const known = new Set(segments.map(({ outcomesPath }) => outcomesPath));
  for (const name of names) {
    // Its segment was deleted, and the process ended before it was.
    const path = join(directory, name);
    if (isOutcomesName(name) && !known.has(path)) await files.remove(path);
  }
  return segments;
}

async function readSegment(segment: Segment, { files, onDamage }: RecoveryOptions): Promise<void> {
  const file = await files.open(segment.path, 'read');
  try {
    const bytes = await file.size();
    const size = () => bytes;
    const scanner = new Scanner(new Window(file, size), segment.mark, size);
    let found = await scanner.next(0);
    for (; found !== undefined; found = await scanner.next(found.end)) {
      const damage = await judge(segment, found, scanner);
      if (damage !== undefined) {
        await onDamage(segment, damage);
        segment.damage.add(damage.start);
      }
      if (damage?.kind === 'torn') await cut(segment, damage.start, files);
      else segment.size = found.end;
    }
  } finally {
    await file.close();
  }
}

/** Counts a record that is whole and has something left. */
async function judge(segment: Segment, found: Found, scanner: Scanner): Promise<Damage | undefined> {
  if (found.kind !== 'record') return found;
  const { header, end } = found;
  const left = header.items - (segment.noted.get(header.ordinal)?.settled.size ?? 0);
  if (segment.passed.has(header.ordinal) || left <= 0) {
    segment.passed.add(header.ordinal);
    return undefined;
  }
  if (!(await scanner.isWhole(header))) return { kind: 'damage', start: header.offset, end, header };
  segment.add(header);
  segment.unread.entries++;
  segment.unread.items += left;
  segment.unread.bytes += recordBytes(header);
  segment.oldestOfferedAtMs = Math.min(segment.oldestOfferedAtMs, header.offeredAtMs);
  return undefined;
}

async function cut(segment: Segment, size: number, files: Files): Promise<void> {
  const file = await files.open(segment.path, 'write');
  try {
    await file.truncate(size);
    segment.size = size;
  } finally {
    await file.close();
  }
}

async function readNotes(segment: Segment, files: Files): Promise<void> {
  const file = await files.open(segment.outcomesPath, 'read').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (file === undefined) return;
  try {
    const size = await file.size();
    const onOutcome = (outcome: Outcome) => note(segment, outcome);
    segment.outcomeBytes = await readOutcomes(new Window(file, () => size), { mark: segment.mark, size, onOutcome });
  } finally {
    await file.close();
  }
}

function note({ passed, noted }: Segment, outcome: Outcome): void {
  const { ordinal } = outcome;
  if (outcome.kind === 'settled') {
    passed.add(ordinal);
    noted.delete(ordinal);
    return;
  }
  const known = noted.get(ordinal) ?? { attempts: 0, settled: new Set<number>() };
  noted.set(ordinal, known);
  // When it falls due is for whoever looks at the file: a new process begins with an attempt.
  if (outcome.kind === 'attempt') known.attempts = outcome.attempts;
  else for (const position of outcome.positions) known.settled.add(position);
}
