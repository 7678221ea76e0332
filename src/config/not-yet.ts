/**
 * What the public contract names and this version does not have. Asking for it is a mistake, because the gateway would
 * silently not do it; a value that describes what happens today anyway is accepted. When a feature arrives, its row is
 * deleted here and a row in `SETTINGS` takes its place.
 */
export interface NotYet {
  /** Path in the file, or for `inFile: false` a name of our own. */
  key: string;
  env?: string;
  inFile?: false;
  /** Values that ask for nothing new, as text; anything else is refused. */
  accepted: readonly string[];
}

export const NOT_YET: readonly NotYet[] = [{ key: 'workers', env: 'GATEWAY_WORKERS', inFile: false, accepted: ['1'] }];

/**
 * What this version says to `raw` for the setting `key`: `settled` needs no reading, `wrong` completes "NAME …", and
 * `undefined` leaves it to the setting's kind.
 */
export function judgeNotYet(options: { key: string; raw: unknown }): 'settled' | { wrong: string[] } | undefined {
  const row = NOT_YET.find(({ key }) => key === options.key);
  if (!row) return undefined;
  const raw = String(options.raw).trim().toLowerCase();
  if (row.accepted.includes(raw)) return 'settled';
  return { wrong: [`is not available in this version; only ${row.accepted.join(', ')} is`] };
}
