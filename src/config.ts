import { CONTEXT_REPAIR, REPAIRS, type RepairName } from './admission/repairs';
import { readConfigFile } from './config/file';
import { createReader, type Found, type Reader } from './config/findings';
import { isSwitched } from './config/meaning';
import { countDestinations, judgeTogether } from './config/rules';
import type { Value } from './config/settings';
import { readVariables, variable } from './config/variables';

export { isLoopback } from './config/hosts';
export { NOT_YET } from './config/not-yet';
export { SETTINGS } from './config/settings';
export { ENVIRONMENT_VARIABLES } from './config/variables';

export interface Destination {
  name: string;
  /** Without a trailing slash; may have a path. */
  baseUrl: string;
  publicKey: string;
  secretKey: string;
  environment?: string;
  release?: string;
  compression: 'auto' | 'gzip' | 'none';
}

export interface Config {
  /** `host` as `listen()` takes it (an IPv6 address without brackets); origins as browsers send them, lower case. */
  receiver: { host: string; port: number; bodyMaxBytes: number; corsOrigins: string[] };
  admin: { host: string; port: number; token?: string };
  queue: {
    kind: Value<'queue.kind'>;
    dataDir: string;
    maxBytes: number;
    retryMaxAgeS: number;
    /** Absent: they stay. */
    deadLetterMaxAgeS?: number;
  };
  /** Empty: preview mode. */
  destinations: Destination[];
  /** Server keys; empty: open. */
  ingestKeys: string[];
  repairs: Record<RepairName, boolean>;
  traceContext: { traceIdAlone: Value<'traceContext.traceIdAlone'> };
  traceAttributes: { maxTraces: number; windowS: number };
  warnings: { response: boolean };
  shutdownTimeoutS: number;
  logLevel: Value<'logLevel'>;
  /** From HTTP_PROXY, HTTPS_PROXY, NO_PROXY (either case; lower case wins, as in curl). */
  proxy: { httpProxy?: string; httpsProxy?: string; noProxy?: string };
}

export type LoadedConfig = { config: Config; warnings: string[] } | { mistakes: string[]; warnings: string[] };

/**
 * Reads the environment and the YAML file (`configFile`, else GATEWAY_CONFIG); the environment wins. Never throws for a
 * mistake of the user: all are listed, each naming its variable or `FILE:LINE`, and none repeats a value.
 */
export function loadConfig(options: { env: NodeJS.ProcessEnv; configFile?: string }): LoadedConfig {
  const { env } = options;
  const file = readConfigFile({ file: options.configFile || variable(env, 'GATEWAY_CONFIG'), env });
  const variables = readVariables({ env, referenced: file.referenced });
  const values = new Map([...file.values, ...variables.values]);
  const together = { reader: createReader(values), values };
  const mistakes = [...variables.mistakes, ...file.mistakes];
  // What an unreadable file would have said is unknown, so nothing can be called missing.
  if (file.readable) mistakes.push(...judgeTogether(together));
  const warnings = [...variables.warnings, ...file.warnings];
  if (mistakes.length > 0) return { mistakes, warnings };
  return { config: assemble(together), warnings: [...warnings, ...destinationWarnings(together)] };
}

/** The one place that reads `process.env`: everything else is given an environment. */
export function environment(): NodeJS.ProcessEnv {
  return process.env;
}

function assemble(together: { reader: Reader; values: ReadonlyMap<string, Found> }): Config {
  const { reader } = together;
  const { get } = reader;
  return {
    receiver: {
      host: get('receiver.host'),
      port: get('receiver.port'),
      bodyMaxBytes: get('receiver.bodyMaxBytes'),
      corsOrigins: [...get('receiver.corsOrigins')],
    },
    admin: { host: get('admin.host'), port: get('admin.port'), ...given({ token: get('admin.token') }) },
    queue: queue(reader),
    destinations: Array.from({ length: countDestinations(together) }, (_, index) => destination(reader, index)),
    ingestKeys: [...new Set(get('ingestKeys'))],
    repairs: repairs(reader),
    traceContext: { traceIdAlone: get('traceContext.traceIdAlone') },
    traceAttributes: { maxTraces: get('traceAttributes.maxTraces'), windowS: get('traceAttributes.windowS') },
    warnings: { response: get('warnings.response') },
    shutdownTimeoutS: get('shutdownTimeoutS'),
    logLevel: get('logLevel'),
    proxy: given({ httpProxy: get('proxy.http'), httpsProxy: get('proxy.https'), noProxy: get('proxy.none') }),
  };
}

function queue({ get }: Reader): Config['queue'] {
  const deadLetterMaxAgeS = get('queue.deadLetterMaxAgeS');
  return {
    kind: get('queue.kind'),
    dataDir: get('queue.dataDir'),
    maxBytes: get('queue.maxBytes'),
    retryMaxAgeS: get('queue.retryMaxAgeS'),
    ...(deadLetterMaxAgeS === undefined ? {} : { deadLetterMaxAgeS }),
  };
}

function destination({ get }: Reader, index: number): Destination {
  return {
    name: get('destinations[].name', index),
    baseUrl: get('destinations[].baseUrl', index),
    // `judgeTogether` has found both, else there would be no configuration.
    publicKey: get('destinations[].publicKey', index)!,
    secretKey: get('destinations[].secretKey', index)!,
    ...given({
      environment: get('destinations[].environment', index),
      release: get('destinations[].release', index),
    }),
    compression: get('destinations[].compression', index),
  };
}

function repairs({ get }: Reader): Record<RepairName, boolean> {
  const ids = get('repairs.ids');
  const isOn = (name: RepairName) => {
    if (isSwitched(name)) return get(`repairs.${name}`);
    if (name === CONTEXT_REPAIR) return get('traceContext.fromRequest');
    return name === 'id_derived' ? ids === 'derive' : ids !== 'off';
  };
  return Object.fromEntries(REPAIRS.map((name) => [name, isOn(name)])) as Record<RepairName, boolean>;
}

function destinationWarnings(together: { reader: Reader; values: ReadonlyMap<string, Found> }): string[] {
  const { get, originOf } = together.reader;
  const count = countDestinations(together);
  const swapped = Array.from({ length: count }, (_, index) => swappedKeys(together.reader, index)).flat();
  if (count > 1) {
    return [
      ...swapped,
      `only the first destination, ${get('destinations[].name')}, receives new spans: keys that choose are not available in this version`,
    ];
  }
  const baseUrl = originOf('destinations[].baseUrl');
  return count === 0 && baseUrl ? [`${baseUrl} has no effect without keys: preview mode, nothing is sent`] : swapped;
}

/** The value itself is never said: with the two keys swapped, the public one is the secret. */
function swappedKeys({ get, originOf }: Reader, index: number): string[] {
  const keys = [
    { key: 'destinations[].publicKey', prefix: 'sk-lf-', kind: 'secret' },
    { key: 'destinations[].secretKey', prefix: 'pk-lf-', kind: 'public' },
  ] as const;
  return keys
    .filter(({ key, prefix }) => get(key, index)?.startsWith(prefix))
    .map(
      ({ key, prefix, kind }) => `${originOf(key, index)} begins with ${prefix} as ${kind} keys do: are they swapped?`,
    );
}

/** Leaves out what is undefined, so that an absent setting is an absent property. */
function given<T extends Record<string, string | undefined>>(values: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}
