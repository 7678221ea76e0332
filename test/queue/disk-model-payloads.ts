import type { FaultyFiles } from '../support/faulty-files';
import { oneOf, type Random } from '../support/random';

/** Bytes of an entry: none, few or many, or what the queue's own files are made of, with or without their marks. */
export function payload(
  random: Random,
  segmentBytes: number,
  disk: { files: FaultyFiles; marks: readonly string[] },
): Buffer {
  const kind = random();
  if (kind < 0.05) return Buffer.alloc(0);
  if (kind < 0.25) return copied(random, segmentBytes * 2, disk);
  const max = kind < 0.7 ? 100 : kind < 0.97 ? 1000 : segmentBytes * 3;
  const bytes = Buffer.alloc(Math.floor(random() * max));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random() * 256;
  return bytes;
}

/** Where a bit flips: anywhere, or in a mark or close behind one, where damage does the most. */
export function flipAt(random: Random, content: Buffer, marks: readonly string[]): number {
  const places = marks.map((mark) => content.indexOf(Buffer.from(mark, 'hex'), Math.floor(random() * content.length)));
  const found = places.filter((place) => place >= 0);
  if (found.length === 0 || random() < 0.4) return Math.floor(random() * content.length);
  return Math.min(content.length - 1, oneOf(random, found) + Math.floor(random() * 40));
}

function copied(
  random: Random,
  max: number,
  { files, marks }: { files: FaultyFiles; marks: readonly string[] },
): Buffer {
  const contents = [...files.contents().values()].filter(({ length }) => length > 0);
  if (contents.length === 0) return Buffer.from(marks.join());
  const content = oneOf(random, contents);
  const start = random() < 0.5 ? 0 : Math.floor(random() * content.length);
  const bytes = Buffer.from(content.subarray(start, start + Math.floor(random() * max)));
  if (random() < 0.5) for (const mark of marks) blank(bytes, Buffer.from(mark, 'hex'));
  return bytes;
}

function blank(bytes: Buffer, mark: Buffer): void {
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) bytes.fill('m', at, at + mark.length);
}
