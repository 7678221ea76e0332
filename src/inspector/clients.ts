import type { ScannedSpan, ScopeGroup } from '../otlp/scan';
import type { RequestSender } from '../receiver/accept';
import type { ClientView } from './api';
import { clientOf, shortText } from './client-info';
import { Recent } from './recent';

const CLIENTS_MAX = 1_000;
const TOLD_MAX = 100;
/** A request may have a hundred thousand resources. */
const PER_REQUEST_MAX = 100;
/** Of a resource: one client's are the same bytes each time. */
const KEY_BYTES_MAX = 2_048;

interface Client {
  readonly info: Omit<ClientView, 'spans' | 'requests' | 'firstSeenAt' | 'lastSeenAt'>;
  readonly firstMs: number;
  lastMs: number;
  spans: number;
  requests: number;
}

/** Who sends: by resource, scope and User-Agent. */
export class Clients {
  readonly #clients = new Recent<string, Client>(CLIENTS_MAX);

  seen(spans: readonly ScannedSpan[], { userAgent }: RequestSender, nowMs: number): void {
    const inRequest = new Set<Client>();
    let from = 0;
    let resources = 0;
    for (let at = 1; at <= spans.length && resources < PER_REQUEST_MAX; at++) {
      const { scope } = spans[from]!;
      if (at < spans.length && spans[at]!.scope.resource === scope.resource) continue;
      const key = `${keyOf(scope.resource.head)}\0${keyOf(scope.head)}\0${userAgent ?? ''}`;
      const client = this.#clients.get(key) ?? newClient(scope, userAgent, nowMs);
      client.lastMs = nowMs;
      if (!inRequest.has(client)) client.requests++;
      inRequest.add(client);
      client.spans += at - from;
      resources++;
      this.#clients.set(key, client);
      from = at;
    }
  }

  /** Those that sent last come first. Instances of one service are one client. */
  list(): ClientView[] {
    const merged = new Map<string, Client>();
    for (const client of this.#clients.newestFirst()) {
      const key = JSON.stringify(client.info);
      const known = merged.get(key);
      merged.set(key, known === undefined ? client : joined(known, client));
    }
    return [...merged.values()].slice(0, TOLD_MAX).map(({ info, firstMs, lastMs, spans, requests }) => {
      return { ...info, spans, requests, firstSeenAt: iso(firstMs), lastSeenAt: iso(lastMs) };
    });
  }
}

const keyOf = (head: Buffer) => head.toString('latin1', 0, KEY_BYTES_MAX);

function newClient(scope: ScopeGroup, userAgent: string | undefined, nowMs: number): Client {
  const info = { ...clientOf(scope), userAgent: shortText(userAgent) };
  return { info, firstMs: nowMs, lastMs: nowMs, spans: 0, requests: 0 };
}

const joined = (one: Client, other: Client): Client => ({
  info: one.info,
  firstMs: Math.min(one.firstMs, other.firstMs),
  lastMs: Math.max(one.lastMs, other.lastMs),
  spans: one.spans + other.spans,
  requests: one.requests + other.requests,
});

export const iso = (ms: number) => new Date(ms).toISOString();
