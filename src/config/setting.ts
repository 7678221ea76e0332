import type { Kind } from './kinds';

/** One setting. Reading the environment, reading the file and the test of `docs/configuration.md` all go by this table. */
export interface Setting<T = unknown> {
  /** Environment variable; absent where only the file can say it. */
  env?: string;
  /** The key is a path of the configuration file; false: only the environment can say it, and the key is our own name. */
  inFile: boolean;
  /** Has a twin that names a file: `..._FILE` in the environment, `...File` in the configuration file. */
  secret: boolean;
  kind: Kind<T>;
  default: T;
  reason: string;
}

type Row<T> = Pick<Setting<T>, 'env' | 'kind' | 'reason'> & { inFile?: false; secret?: true; default?: NoInfer<T> };

export function setting<T>(row: Row<T> & { default: NoInfer<T> }): Setting<T>;
export function setting<T>(row: Row<T>): Setting<T | undefined>;
export function setting<T>(row: Row<T>): Setting<T | undefined> {
  return { ...row, inFile: row.inFile ?? true, secret: row.secret ?? false, default: row.default };
}
