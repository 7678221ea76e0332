import { readFileSync } from 'node:fs';
import { type Findings, refuse, take } from './findings';

/**
 * Reads a secret from the file its twin names. The file's name stays out of the mistakes: who mixes the twins up has put
 * the secret itself there.
 */
export function readSecretFile(
  findings: Findings,
  given: { key: string; path: string; origin: string; file: string },
): void {
  try {
    const raw = readFileSync(given.file, 'utf8').replace(/[\r\n]+$/, '');
    if (raw === '') refuse(findings, { ...given, wrong: ['names an empty file; it must hold the secret'] });
    else take(findings, { ...given, raw });
  } catch (error) {
    const wrong = `names a file that cannot be read (${errorCode(error)}); it must be the path of a readable file`;
    refuse(findings, { ...given, wrong: [wrong] });
  }
}

/** `ENOENT` and the like: the message of a file system error holds the path. */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error';
}
