import { readAs } from './kinds';
import { judgeNotYet, NOT_YET } from './not-yet';
import type { Setting } from './setting';
import { SETTINGS, type SettingKey, type Value } from './settings';

/** What one source (environment or file) gave for one setting. */
export interface Found {
  /** Who said it, as the beginning of a sentence: `PORT` or `gateway.yaml:3: receiver.port`. */
  origin: string;
  /** As its kind reads it. */
  value?: unknown;
  /** There is no value, and a mistake says why: nothing else may be concluded from its absence. */
  isMistaken?: true;
}

export interface Findings {
  /** By path with indices: `receiver.port`, `destinations[0].baseUrl`. */
  values: Map<string, Found>;
  mistakes: string[];
  warnings: string[];
}

export const createFindings = (): Findings => ({ values: new Map(), mistakes: [], warnings: [] });

type Name = Pick<Setting, 'env' | 'inFile' | 'secret'>;

/** Every name this version knows, available or not, by its key in the tables. */
export const KNOWN: ReadonlyMap<string, Name> = new Map([
  ...Object.entries<Name>(SETTINGS),
  ...NOT_YET.filter(({ key }) => !Object.hasOwn(SETTINGS, key)).map(({ key, env, inFile = true }): [string, Name] => [
    key,
    { env, inFile, secret: false },
  ]),
]);

/** Notes a mistake under its path, so that no follow-up mistake calls the setting absent. */
export function refuse(findings: Findings, given: { path: string; origin: string; wrong: readonly string[] }): void {
  findings.mistakes.push(...given.wrong.map((wrong) => `${given.origin} ${wrong}`));
  findings.values.set(given.path, { origin: given.origin, isMistaken: true });
}

/** Judges one given value. */
export function take(findings: Findings, given: { key: string; path: string; origin: string; raw: unknown }): void {
  const notYet = judgeNotYet(given);
  if (notYet === 'settled') return;
  const settings: Readonly<Record<string, Setting>> = SETTINGS;
  const reading = notYet ?? readAs(settings[given.key]!.kind, given.raw);
  if ('wrong' in reading) {
    refuse(findings, { ...given, wrong: reading.wrong });
  } else if (!isEmptyList(reading.value)) {
    findings.values.set(given.path, { origin: given.origin, value: reading.value });
  }
}

/** An empty list says as much as none: `GATEWAY_INGEST_KEYS=,` must not pass for a key. */
function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Typed access to what was found; `index` is the destination's. */
export interface Reader {
  get<K extends SettingKey>(key: K, index?: number): Value<K>;
  /** Undefined: nobody said anything, and `get` answers the default. */
  originOf(key: SettingKey, index?: number): string | undefined;
  isMistaken(key: SettingKey, index?: number): boolean;
}

export function createReader(values: ReadonlyMap<string, Found>): Reader {
  const find = (key: SettingKey, index = 0) => values.get(key.replace('[]', `[${index}]`));
  return {
    // What stands under a key came out of that key's kind, see `take`.
    get: <K extends SettingKey>(key: K, index?: number) =>
      (find(key, index)?.value ?? SETTINGS[key].default) as Value<K>,
    originOf: (key, index) => find(key, index)?.origin,
    isMistaken: (key, index) => find(key, index)?.isMistaken ?? false,
  };
}
