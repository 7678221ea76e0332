import { isIPv6 } from 'node:net';
import { type Config, isLoopback, loadConfig } from '../config';

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
  const { receiver, admin, queue, destinations, ingestKeys } = config;
  const keys = ingestKeys.length === 0 ? `no keys: open to ${whoReaches(receiver.host)}` : `${ingestKeys.length} keys`;
  const origins = receiver.corsOrigins.length === 0 ? 'no origins' : `origins ${receiver.corsOrigins.join(' ')}`;
  return [
    `receiver ${address(receiver)} (${keys}; ${origins})`,
    `admin ${address(admin)} (${admin.token === undefined ? `no token: open to ${whoReaches(admin.host)}` : 'token set'})`,
    describeQueue(queue),
    ...destinations.map(
      ({ name, baseUrl }, index) => `destination ${name} ${baseUrl}${index > 0 ? ' (no new spans)' : ''}`,
    ),
    ...(destinations.length === 0 ? ['no destination: preview mode, spans end in the memory of the gateway'] : []),
  ];
}

function describeQueue({ kind, dataDir, maxBytes }: Config['queue']): string {
  const bound = `up to ${maxBytes} bytes`;
  return kind === 'disk' ? `queue disk ${dataDir}, ${bound}` : `queue memory, ${bound}, lost when the process ends`;
}

function whoReaches(host: string): string {
  return isLoopback(host) ? 'this machine' : 'everybody who reaches it';
}

function address({ host, port }: { host: string; port: number }): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
