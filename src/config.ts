import { CONTEXT_REPAIR, REPAIRS, type RepairName } from './admission/repairs';
import { now as clock } from './clock';
import { readConfigFile } from './config/file';
import { createReader, type Reader } from './config/findings';
import { keyWarnings } from './config/key-rules';
import { type IngestKey, ingestKeys } from './config/keys';
import { isSwitched } from './config/meaning';
import { judgeTogether } from './config/rules';
import type { Value } from './config/settings';
import type { TlsFiles } from './config/tls-files';
import { tlsFiles, tlsWarnings } from './config/tls-rules';
import { countDestinations, countEntries, given, type Together } from './config/together';
import { readVariables, variable } from './config/variables';

export { isLoopback } from './config/hosts';
export type { IngestKey } from './config/keys';
export { NOT_YET } from './config/not-yet';
export { SETTINGS } from './config/settings';
export { readTlsFiles } from './config/tls-files';
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
  receiver: {
    host: string;
    port: number;
    bodyMaxBytes: number;
    corsOrigins: string[];
    /** As Express' `trust proxy` takes it. */
    trustProxy: Value<'receiver.trustProxy'>;
    /** Paths of PEM files, for `readTlsFiles`; absent: plain HTTP. */
    tls?: TlsFiles;
  };
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
  /** The file's, then those of the environment; empty: open. */
  keys: IngestKey[];
  repairs: Record<RepairName, boolean>;
  traceContext: { traceIdAlone: Value<'traceContext.traceIdAlone'> };
  traceAttributes: { maxTraces: number; windowS: number };
  warnings: { response: boolean };
  /** Whether images go to Langfuse's media storage before their span. */
  media: Value<'media'>;
  /** What of spans is kept to be looked at. */
  inspector: NonNullable<Value<'inspector'>>;
  shutdownTimeoutS: number;
  logLevel: Value<'logLevel'>;
  /** From HTTP_PROXY, HTTPS_PROXY, NO_PROXY (either case; lower case wins, as in curl). */
  proxy: { httpProxy?: string; httpsProxy?: string; noProxy?: string };
}

export type LoadedConfig = { config: Config; warnings: string[] } | { mistakes: string[]; warnings: string[] };

/**
 * Reads the environment and the YAML file (`configFile`, else GATEWAY_CONFIG); the environment wins. Never throws for a
 * mistake of the user: all are listed, each naming its variable or `FILE:LINE`, and none repeats a value. `now` decides
 * which keys have expired.
 */
export function loadConfig(options: { env: NodeJS.ProcessEnv; configFile?: string; now?: () => number }): LoadedConfig {
  const { env, now = clock } = options;
  const nowMs = now();
  const file = readConfigFile({ file: options.configFile || variable(env, 'GATEWAY_CONFIG'), env });
  const variables = readVariables({ env, referenced: file.referenced });
  const values = new Map([...file.values, ...variables.values]);
  const together = { reader: createReader(values), values };
  const mistakes = [...variables.mistakes, ...file.mistakes];
  // What an unreadable file would have said is unknown, so nothing can be called missing.
  if (file.readable) mistakes.push(...judgeTogether(together, nowMs));
  const warnings = [...variables.warnings, ...file.warnings];
  if (mistakes.length > 0) return { mistakes, warnings };
  const config = assemble(together);
  warnings.push(...tlsWarnings(together.reader, nowMs), ...destinationWarnings(together, config.keys));
  return { config, warnings: [...warnings, ...keyWarnings(together, nowMs)] };
}

/** The one place that reads `process.env`: everything else is given an environment. */
export function environment(): NodeJS.ProcessEnv {
  return process.env;
}

function assemble(together: Together): Config {
  const { reader } = together;
  const { get } = reader;
  return {
    receiver: {
      host: get('receiver.host'),
      port: get('receiver.port'),
      bodyMaxBytes: get('receiver.bodyMaxBytes'),
      corsOrigins: [...get('receiver.corsOrigins')],
      trustProxy: get('receiver.trustProxy'),
      ...given({ tls: tlsFiles(reader) }),
    },
    admin: { host: get('admin.host'), port: get('admin.port'), ...given({ token: get('admin.token') }) },
    queue: queue(reader),
    destinations: Array.from({ length: countDestinations(together) }, (_, index) => destination(reader, index)),
    keys: ingestKeys(together),
    repairs: repairs(reader),
    traceContext: { traceIdAlone: get('traceContext.traceIdAlone') },
    traceAttributes: { maxTraces: get('traceAttributes.maxTraces'), windowS: get('traceAttributes.windowS') },
    warnings: { response: get('warnings.response') },
    media: get('media'),
    // What people wrote is for Langfuse, unless there is none.
    inspector: get('inspector') ?? (countDestinations(together) === 0 ? 'full' : 'metadata'),
    shutdownTimeoutS: get('shutdownTimeoutS'),
    logLevel: get('logLevel'),
    proxy: given({ httpProxy: get('proxy.http'), httpsProxy: get('proxy.https'), noProxy: get('proxy.none') }),
  };
}

function queue({ get }: Reader): Config['queue'] {
  return {
    kind: get('queue.kind'),
    dataDir: get('queue.dataDir'),
    maxBytes: get('queue.maxBytes'),
    retryMaxAgeS: get('queue.retryMaxAgeS'),
    ...given({ deadLetterMaxAgeS: get('queue.deadLetterMaxAgeS') }),
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

function destinationWarnings(together: Together, keys: readonly IngestKey[]): string[] {
  const { originOf } = together.reader;
  const count = countDestinations(together);
  const baseUrl = originOf('destinations[].baseUrl');
  if (count === 0 && baseUrl) return [`${baseUrl} has no effect without keys: preview mode, nothing is sent`];
  const swapped = Array.from({ length: count }, (_, index) => swappedKeys(together.reader, index)).flat();
  return [...swapped, ...idleDestinations(together, keys)];
}

function idleDestinations(together: Together, keys: readonly IngestKey[]): string[] {
  const named = new Set(keys.map(({ destination }) => destination));
  return Array.from({ length: countEntries(together, 'destinations') }, (_, index) => index)
    .filter((index) => index > 0 && !named.has(together.reader.get('destinations[].name', index)))
    .map(
      (index) =>
        `${together.values.get(`destinations[${index}]`)?.origin} receives no new spans: it is not the first, and no key names it`,
    );
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
