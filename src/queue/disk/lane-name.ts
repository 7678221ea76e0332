/**
 * A destination's folder. Names may differ in case alone, which some file systems do not see, and may be `..`: all but
 * small letters, digits, `-` and `_` is written as `%` and two hexadecimal digits.
 */
export function laneName(destination: string): string {
  return destination.replace(/[^a-z0-9_-]/gu, (letter) =>
    [...Buffer.from(letter)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/** `undefined` for a name that is no destination's. */
export function destinationOf(name: string): string | undefined {
  if (!/^(?:[a-z0-9_-]|%[0-9a-f]{2})+$/.test(name)) return undefined;
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined;
  }
}
