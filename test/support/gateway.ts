import pino from 'pino';
import { loadConfig } from '../../src/config';
import { createGateway } from '../../src/gateway';
import type { FakeLangfuse } from './fake-langfuse';

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
 * The gateway in this process on free ports, with the configuration that `env` gives.
 *
 * @param options.fake where spans go; without it, and without keys in `env`, the gateway runs in preview mode.
 */
export async function startGateway({
  fake,
  env = {},
}: {
  fake?: FakeLangfuse;
  env?: Record<string, string>;
} = {}): Promise<RunningGateway> {
  const loaded = loadConfig({
    env: { PORT: '0', GATEWAY_ADMIN_PORT: '0', LOG_LEVEL: 'debug', ...(fake && langfuseVariables(fake)), ...env },
  });
  if ('mistakes' in loaded) throw new Error(loaded.mistakes.join('\n'));
  const logs: string[] = [];
  const log = pino({ level: loaded.config.logLevel }, { write: (line: string) => logs.push(line) });
  const { receiverUrl, adminUrl, stop } = await createGateway(loaded.config, { log });
  const metrics = async () => parseMetrics(await (await fetch(`${adminUrl}/metrics`)).text());
  return { url: receiverUrl, adminUrl, metrics, logs, stop };
}

function langfuseVariables({ baseUrl, publicKey, secretKey }: FakeLangfuse): Record<string, string> {
  return { LANGFUSE_BASE_URL: baseUrl, LANGFUSE_PUBLIC_KEY: publicKey, LANGFUSE_SECRET_KEY: secretKey };
}

function parseMetrics(text: string): Record<string, number> {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}
