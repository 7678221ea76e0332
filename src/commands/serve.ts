import type { Config } from '../config';
import { createGateway, type Gateway } from '../gateway';
import { captureConsole, createLog } from '../log';

export interface Serving {
  /** Refuses what comes, delivers what is left, closes. Resolves to the number of spans that are lost. */
  stop(): Promise<number>;
}

/** Starts the gateway. `undefined` when it could not: the log says why. */
export async function serve(config: Config, warnings: readonly string[]): Promise<Serving | undefined> {
  const log = createLog(config.logLevel);
  captureConsole(log);
  for (const warning of warnings) log.warn(warning);
  let gateway: Gateway;
  try {
    gateway = await createGateway(config, { log });
  } catch (error) {
    log.fatal(
      { code: (error as NodeJS.ErrnoException).code },
      `could not start: ${describe(error as ListenError, config)}`,
    );
    return undefined;
  }
  const { receiverUrl, adminUrl } = gateway;
  const destinations = config.destinations.map(({ name }) => name);
  log.info(
    { receiverUrl, adminUrl, destinations },
    `receiving OTLP at ${receiverUrl}/v1/traces (${describeWay(config)}); admin at ${adminUrl}`,
  );
  const isDurable = config.queue.kind === 'disk';
  if (!isDurable)
    log.info('the queue is in memory: 200 means received, and what is queued when the process ends is lost');
  return {
    async stop() {
      log.info(`stopping: new requests are refused, up to ${config.shutdownTimeoutS} s to deliver what is queued`);
      const left = await gateway.stop();
      if (left === 0) log.info('stopped; nothing was left to deliver');
      else if (isDurable) log.info({ spans: left }, `stopped; ${left} span(s) stay in the queue until the next start`);
      else log.error({ spans: left }, `stopped; ${left} span(s) could not be delivered in time and are lost`);
      return isDurable ? 0 : left;
    },
  };
}

/** Where spans go, and for how many keys. */
function describeWay({ destinations: [first, ...others], keys }: Config): string {
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const where = first === undefined ? 'preview mode, no Langfuse keys' : `to ${first.baseUrl}${more}`;
  return keys.length === 0 ? where : `${where}, ${keys.length} key(s)`;
}

/** What `listen()` fails with, and also other errors, which have none of the fields. */
type ListenError = Error & { code?: string; address?: string; port?: number };

function describe({ code, address, port, message }: ListenError, { receiver, admin }: Config): string {
  if (code !== 'EADDRINUSE') return message;
  // Two listeners may have one port on two hosts.
  const isAdmin = port === admin.port && (port !== receiver.port || address === admin.host);
  const setting = isAdmin ? 'GATEWAY_ADMIN_PORT (admin)' : 'PORT (receiver)';
  return `port ${port} is taken: set ${setting} to another one, or end the program that listens there`;
}
