import { isIPv6 } from 'node:net';
import { type Config, type IngestKey, isLoopback, loadConfig } from '../config';

/**
 * Validates the configuration without starting anything: every mistake on a line of its own, or, when there is none, what
 * would be started. Nothing printed holds a key or a token.
 *
 * @returns the exit code: 0 when the gateway would start with this configuration, else 1
 */
export function check(options: { env: NodeJS.ProcessEnv; configFile?: string; out: (line: string) => void }): number {
  const { env, configFile, out } = options;
  const loaded = loadConfig({ env, configFile });
  const lines = 'mistakes' in loaded ? loaded.mistakes : describe(loaded.config);
  for (const line of [...lines, ...loaded.warnings.map((warning) => `warning: ${warning}`)]) out(line);
  return 'mistakes' in loaded ? 1 : 0;
}

function describe(config: Config): string[] {
  const { receiver, admin, queue, destinations, keys, media } = config;
  const guard = keys.length === 0 ? `no keys: open to ${whoReaches(receiver.host)}` : `${keys.length} key(s)`;
  const tls =
    receiver.tls === undefined ? '' : receiver.tls.clientCa === undefined ? '; TLS' : '; TLS, client certificates';
  return [
    `receiver ${address({ ...receiver, isTls: tls !== '' })} (${guard}; ${describeOrigins(config)}${describeTrust(receiver)}${tls})`,
    ...keys.map((key) => describeKey(key, destinations)),
    `admin ${address(admin)} (${admin.token === undefined ? `no token: open to ${whoReaches(admin.host)}` : 'token set'})`,
    describeQueue(queue),
    ...destinations.map(
      ({ name, baseUrl }) => `destination ${name} ${baseUrl}${media === 'upload' ? ', media uploaded' : ''}`,
    ),
    ...(destinations.length === 0 ? ['no destination: preview mode, spans end in the memory of the gateway'] : []),
  ];
}

function describeOrigins({ receiver: { corsOrigins }, keys }: Config): string {
  if (corsOrigins.length > 0) return `origins ${corsOrigins.join(' ')}`;
  return keys.some(({ origins }) => origins.length > 0) ? 'no origins but those of keys' : 'no origins';
}

function describeTrust({ trustProxy }: Config['receiver']): string {
  if (trustProxy === false) return '';
  return `; trustProxy ${Array.isArray(trustProxy) ? trustProxy.join(' ') : trustProxy}`;
}

function describeKey(key: IngestKey, destinations: Config['destinations']): string {
  const { origins, paths, spansPerSecond, bytesPerSecond, dailySpans, expiresAtMs } = key;
  const { maxSpansPerRequest, maxAttributeBytes } = key;
  // Names alone: a value may be anything.
  const stamps = Object.keys(key.stamp);
  const parts = [
    `to ${key.destination ?? destinations[0]?.name ?? 'preview'}`,
    ...(origins.length === 0 ? [] : [`from ${origins.join(' ')}`]),
    ...(paths === undefined ? [] : [`at ${paths.join(' ')}`]),
    ...(spansPerSecond === undefined ? [] : [`${spansPerSecond} spans/s`]),
    ...(bytesPerSecond === undefined ? [] : [`${bytesPerSecond} bytes/s`]),
    ...(dailySpans === undefined ? [] : [`${dailySpans} spans a day`]),
    ...(maxSpansPerRequest === undefined ? [] : [`${maxSpansPerRequest} spans a request`]),
    ...(maxAttributeBytes === undefined ? [] : [`${maxAttributeBytes} bytes an attribute`]),
    ...(stamps.length === 0 ? [] : [`stamped with ${stamps.join(' ')}`]),
    ...(expiresAtMs === undefined ? [] : [`until ${new Date(expiresAtMs).toISOString()}`]),
  ];
  return `${key.browser ? 'browser' : 'server'} key ${key.name} ${parts.join(', ')}`;
}

function describeQueue({ kind, dataDir, maxBytes }: Config['queue']): string {
  const bound = `up to ${maxBytes} bytes`;
  return kind === 'disk' ? `queue disk ${dataDir}, ${bound}` : `queue memory, ${bound}, lost when the process ends`;
}

function whoReaches(host: string): string {
  return isLoopback(host) ? 'this machine' : 'everybody who reaches it';
}

function address({ host, port, isTls = false }: { host: string; port: number; isTls?: boolean }): string {
  return `${isTls ? 'https' : 'http'}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
