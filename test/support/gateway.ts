import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { loadConfig } from '../../src/config';
import { createGateway } from '../../src/gateway';
import type { FakeLangfuse } from './fake-langfuse';
import { scrape } from './scrape';
import { makeTemporary, removeTemporary } from './temporary';

export interface RunningGateway {
  /** Base URL of the receiver. */
  url: string;
  adminUrl: string;
  /** Samples by name and labels as they stand in the text, for example `gateway_queue_spans`. */
  metrics(): Promise<Record<string, number>>;
  /** Log lines (JSON) written so far. */
  logs: string[];
  /** Resolves to the number of spans that could not be delivered in time. */
  stop(): Promise<number>;
}

/**
 * The gateway in this process on free ports, with the configuration that `env` gives. Without GATEWAY_DATA_DIR it has a
 * data directory of its own, removed when it stops.
 *
 * @param options.fake where spans go; without it, and without keys in `env`, the gateway runs in preview mode.
 */
export async function startGateway({
  fake,
  env = {},
  yaml,
}: {
  fake?: FakeLangfuse;
  env?: Record<string, string>;
  /** The text of a configuration file. */
  yaml?: string | undefined;
} = {}): Promise<RunningGateway> {
  const folder = makeTemporary();
  const configFile = yaml === undefined ? undefined : join(folder, 'gateway.yaml');
  if (configFile !== undefined) writeFileSync(configFile, yaml ?? '');
  const defaults = { PORT: '0', GATEWAY_ADMIN_PORT: '0', GATEWAY_DATA_DIR: folder, LOG_LEVEL: 'debug' };
  const loaded = loadConfig({ env: { ...defaults, ...(fake && langfuseVariables(fake)), ...env }, configFile });
  if ('mistakes' in loaded) {
    removeTemporary(folder);
    throw new Error(loaded.mistakes.join('\n'));
  }
  const logs: string[] = [];
  const log = pino({ level: loaded.config.logLevel }, { write: (line: string) => logs.push(line) });
  const { receiverUrl, adminUrl, stop } = await createGateway(loaded.config, { log });
  return {
    ...{ url: receiverUrl, adminUrl, metrics: () => scrape(adminUrl), logs },
    stop: () => stop().finally(() => removeTemporary(folder)),
  };
}

/** Variables that send everything to this fake. */
export function langfuseVariables({ baseUrl, publicKey, secretKey }: FakeLangfuse): Record<string, string> {
  return { LANGFUSE_BASE_URL: baseUrl, LANGFUSE_PUBLIC_KEY: publicKey, LANGFUSE_SECRET_KEY: secretKey };
}
