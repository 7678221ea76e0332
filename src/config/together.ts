import type { Found, Reader } from './findings';

/** All that was found, for what only shows when settings are seen together. */
export interface Together {
  reader: Reader;
  values: ReadonlyMap<string, Found>;
}

/** Entries of a list of the file, those that say nothing included. */
export function countEntries({ values }: Together, list: 'destinations' | 'keys'): number {
  const entry = new RegExp(`^${list}\\[\\d+\\]$`);
  return [...values.keys()].filter((path) => entry.test(path)).length;
}

/** The file's destinations, or the one that the environment's keys make; 0 is preview mode. */
export function countDestinations(together: Together): number {
  const { originOf } = together.reader;
  const hasKey = originOf('destinations[].publicKey') ?? originOf('destinations[].secretKey');
  return Math.max(countEntries(together, 'destinations'), hasKey === undefined ? 0 : 1);
}

/** Leaves out what is undefined, so that an absent setting is an absent property. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
