import type { Reader } from './findings';
import { hashOf, sha256Of } from './keys';
import { countDestinations, countEntries, type Together } from './together';

/** Rotation takes two: the old key while it is still in use somewhere, and the new one. */
const LIVE_KEYS_PER_NAME = 2;

/** Mistakes in the keys of the file that only show when settings are seen together. */
export function judgeIngestKeys(together: Together, nowMs: number): string[] {
  const indices = readable(together);
  return [
    ...indices.flatMap((index) => judgeKey(together, index)),
    ...judgeTwins(together, indices),
    ...judgeNames(together, { indices, nowMs }),
  ];
}

export function keyWarnings(together: Together, nowMs: number): string[] {
  const { reader } = together;
  return readable(together)
    .filter((index) => isExpired(reader, { index, nowMs }))
    .map((index) => `${reader.originOf('keys[].expires', index)} is in the past: the key lets nobody in`);
}

/** Positions of the keys of which anything can be said. */
function readable(together: Together): number[] {
  const all = [...Array(countEntries(together, 'keys')).keys()];
  return all.filter((index) => !together.values.get(`keys[${index}]`)?.isMistaken);
}

function judgeKey(together: Together, index: number): string[] {
  const { get, originOf } = together.reader;
  const entry = together.values.get(`keys[${index}]`)?.origin;
  const mistakes: string[] = [];
  if (originOf('keys[].name', index) === undefined) mistakes.push(`${entry} must have a name`);
  const hash = originOf('keys[].keySha256', index);
  const isGiven = originOf('keys[].key', index) !== undefined;
  if (!isGiven && hash === undefined) mistakes.push(`${entry} must have key or keySha256`);
  if (isGiven && hash !== undefined) mistakes.push(`${hash} is given beside the key itself; keep one of them`);
  if (get('keys[].browser', index) && originOf('keys[].origins', index) === undefined) {
    mistakes.push(`${originOf('keys[].browser', index)} is true, so origins must name the pages that may use the key`);
  }
  const destination = get('keys[].destination', index);
  if (destination !== undefined && !isKnown(together, destination)) {
    mistakes.push(`${originOf('keys[].destination', index)} must be the name of a destination of this configuration`);
  }
  return mistakes;
}

/** In preview mode there is none that could be named, and all keys lead to the same place. */
function isKnown(together: Together, destination: string): boolean {
  const { get, isMistaken } = together.reader;
  const indices = [...Array(countDestinations(together)).keys()];
  const isUncertain = (index: number) =>
    isMistaken('destinations[].name', index) || together.values.get(`destinations[${index}]`)?.isMistaken;
  return (
    indices.length === 0 ||
    together.values.has('destinations') ||
    indices.some((index) => isUncertain(index) || get('destinations[].name', index) === destination)
  );
}

/** One key with two sets of bounds would have whichever is found first. */
function judgeTwins({ reader }: Together, indices: readonly number[]): string[] {
  const owners = new Map<string, string>();
  for (const key of reader.get('ingestKeys')) owners.set(sha256Of(key), `one of ${reader.originOf('ingestKeys')}`);
  return indices.flatMap((index) => {
    const hash = hashOf(reader, index);
    if (hash === undefined) return [];
    const owner = owners.get(hash);
    owners.set(hash, owner ?? `the key of keys[${index}]`);
    const origin = reader.originOf('keys[].key', index) ?? reader.originOf('keys[].keySha256', index);
    return owner === undefined ? [] : [`${origin} is also ${owner}; keep one of them`];
  });
}

function judgeNames({ reader }: Together, { indices, nowMs }: { indices: readonly number[]; nowMs: number }): string[] {
  const live = new Map<string, number>();
  return indices.flatMap((index) => {
    const name = reader.get('keys[].name', index);
    const isLive = !reader.isMistaken('keys[].expires', index) && !isExpired(reader, { index, nowMs });
    if (name === undefined || !isLive) return [];
    const count = (live.get(name) ?? 0) + 1;
    live.set(name, count);
    if (count !== LIVE_KEYS_PER_NAME + 1) return [];
    return [
      `${reader.originOf('keys[].name', index)} is the name of more than ${LIVE_KEYS_PER_NAME} keys that have not expired; ` +
        'two are for changing a key',
    ];
  });
}

function isExpired({ get }: Reader, { index, nowMs }: { index: number; nowMs: number }): boolean {
  const expiresAtMs = get('keys[].expires', index);
  return expiresAtMs !== undefined && nowMs >= expiresAtMs;
}
