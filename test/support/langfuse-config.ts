import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAKE_PUBLIC_KEY, FAKE_SECRET_KEY } from './fake-langfuse';

/** Writes a configuration file into the folder whose destinations are these fakes, the first being where spans go. */
export function writeDestinations(folder: string, destinations: Readonly<Record<string, { baseUrl: string }>>): string {
  const keys = { publicKey: FAKE_PUBLIC_KEY, secretKey: FAKE_SECRET_KEY };
  const list = Object.entries(destinations).map(([name, { baseUrl }]) => ({ name, baseUrl, ...keys }));
  const file = join(folder, `${Object.keys(destinations).join('-')}.yaml`);
  // YAML is a superset of JSON.
  writeFileSync(file, JSON.stringify({ destinations: list }));
  return file;
}
