import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { createMetrics } from '../../src/admin/metrics';
import type { Readiness } from '../../src/admin/readiness';
import { type AdminOptions, createAdmin } from '../../src/admin/server';
import { CLOSED_DESK } from '../../src/dead-letter-desk';
import { createOverview } from '../../src/inspector/overview';
import { createLedger } from '../../src/ledger';
import { close } from '../../src/listening';
import { exchange } from './exchange';
import { type Inspecting, startInspecting } from './inspecting';

export const READY: Readiness = { code: 200, status: 'ready', reasons: [] };

export interface AskOptions {
  method?: string;
  headers?: object;
}

export interface RunningAdmin {
  readonly server: Server;
  readonly url: string;
  readonly logs: string[];
  /** Answers with the status and, where it is JSON, the parsed body. */
  get(path: string, options?: AskOptions): ReturnType<typeof ask>;
  close(): Promise<void>;
}

/** An admin server in front of an inspector that nothing else feeds. */
export async function startAdmin({
  inspecting = startInspecting(),
  ...options
}: Partial<AdminOptions> & { inspecting?: Inspecting } = {}): Promise<RunningAdmin> {
  const logs: string[] = [];
  const { inspector, queries } = inspecting;
  const { totals } = createLedger();
  const overview = createOverview({
    ...{ inspector, version: '0', receiverUrl: () => 'http://127.0.0.1:4318', readiness: () => READY, totals },
    ...{ queued: () => 0, destinations: () => [], wantsKey: false, now: inspecting.judging.now },
  });
  const server = createAdmin({
    ...{ host: '127.0.0.1', token: undefined, metrics: emptyMetrics(), readiness: () => READY },
    log: pino({ level: 'trace' }, { write: (line: string) => logs.push(line) }),
    ...{ overview: overview.view, trouble: () => inspector.troubles.view(), traces: queries },
    ...{ watchers: inspector.watchers, deadLetters: () => CLOSED_DESK },
    ...options,
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ server, url, logs, get: (path, asked) => ask(url, path, asked) },
    close: async () => {
      inspector.close();
      overview.close();
      await close(server);
    },
  };
}

/** Asks an admin server. */
export async function ask(url: string, path: string, { method = 'GET', headers }: AskOptions = {}) {
  const { status, headers: sent, body } = await exchange(url, { method, path, headers: { ...headers } });
  const isJson = String(sent['content-type']).startsWith('application/json');
  return { status, headers: sent, body: isJson && body.length > 0 ? JSON.parse(body.toString()) : body.toString() };
}

/** Of a gateway that has done nothing. */
export const emptyMetrics = () =>
  createMetrics({
    totals: createLedger().totals,
    queue: () => ({ items: 0, bytes: 0, oldestOfferedAtMs: undefined }),
    storage: () => ({ expiredLetters: 0, damagedRecords: 0, isSick: false, deadLetters: { letters: 0, bytes: 0 } }),
    ...{ now: Date.now, isUp: () => true, queueBytesMax: 1_000, destinations: ['main'] },
    ...{ refusals: [], repairs: [], warnings: [], rejections: [], contextOutcomes: [], keys: [] },
    ...{ gateRefusals: [], mediaOutcomes: [] },
  });
