import type { Readiness } from '../../src/admin/readiness';
import type { DestinationHealth } from '../../src/delivery/health';
import type { DestinationView, Overview } from '../../src/inspector/api';
import { createOverview, type OverviewDesk, type OverviewOptions } from '../../src/inspector/overview';
import { createLedger } from '../../src/ledger';
import { type InspectingOptions, startInspecting } from '../support/inspecting';
import { numberedSpans } from '../support/trace-request';

let desk: OverviewDesk | undefined;
afterEach(() => desk?.close());

const SINCE_MS = Date.UTC(2026, 0, 1);
const SINCE = new Date(SINCE_MS).toISOString();
const FINE: DestinationHealth = { destination: 'main', lastAcceptedMs: undefined, trouble: undefined };

function start({ inspect, ...options }: Partial<OverviewOptions> & { inspect?: InspectingOptions } = {}) {
  const inspecting = startInspecting(inspect);
  const ledger = createLedger();
  desk = createOverview({
    ...{
      inspector: inspecting.inspector,
      version: '1.2.3',
      receiverUrl: () => 'http://127.0.0.1:4318',
      wantsKey: false,
    },
    readiness: (): Readiness => ({ code: 200, status: 'ready', reasons: [] }),
    ...{
      totals: ledger.totals,
      queued: () => 0,
      destinations: () => [{ health: FINE, baseUrl: 'https://lf.example' }],
    },
    ...{ now: inspecting.judging.now, ...options },
  });
  return { inspecting, ledger, view: desk.view };
}

test('a new gateway', async () => {
  const { view } = start();
  const now = '2026-01-02T00:00:00.000Z';
  expect(await view()).toEqual<Overview>({
    ...{ version: '1.2.3', now, startedAt: now, mode: 'full', isPreview: false, receiverUrl: 'http://127.0.0.1:4318' },
    ...{ wantsKey: false, status: 'ready', reasons: [] },
    flow: { stepSeconds: 5, accepted: [0], delivered: [0], rejected: [0], deadLettered: [0], queued: [0] },
    totals: { accepted: 0, recovered: 0, replayed: 0, delivered: 0, deadLettered: 0, rejected: 0, queued: 0 },
    destinations: [
      {
        ...{ name: 'main', baseUrl: 'https://lf.example', queued: 0, lastSuccessAt: null },
        ...{ trouble: null, mediaTrouble: null },
      },
    ],
    coverage: { spans: 0, withSession: 0, withUser: 0 },
    clients: [],
    kept: { traces: 0, spans: 0, bytes: 0, bytesMax: 64 * 1024 * 1024 },
  });
});

test('what flowed since, in numbers that add up', async () => {
  const { inspecting, ledger, view } = start({ queued: (destination) => (destination === undefined ? 3 : 2) });
  await inspecting.keepSpans([
    ...numberedSpans(3, { attributes: { 'session.id': 's' } }),
    { name: 's9', spanId: '0'.repeat(16) },
  ]);
  ledger.accepted(10);
  ledger.recovered(1);
  ledger.replayed(2);
  ledger.delivered('main', 4);
  ledger.delivered('eu', 1);
  ledger.deadLettered('main', 'refused', 2);
  ledger.deadLettered('main', 'expired', 1);
  ledger.deadLettered('eu', 'refused', 3);
  const { totals, flow, coverage, clients, kept, destinations } = await view();
  expect(totals).toEqual({
    accepted: 10,
    recovered: 1,
    replayed: 2,
    delivered: 5,
    deadLettered: 6,
    rejected: 1,
    queued: 3,
  });
  expect(flow).toMatchObject({ accepted: [10], delivered: [5], rejected: [1], deadLettered: [6], queued: [3] });
  expect(coverage).toEqual({ spans: 10, withSession: 10, withUser: 7 });
  expect(clients).toMatchObject([{ spans: 3, requests: 1 }]);
  expect(kept).toMatchObject({ traces: 1, spans: 3, bytes: expect.any(Number) });
  expect(destinations).toMatchObject([{ queued: 2 }]);
});

describe('a destination', () => {
  const trouble = (reason: string, configuration: boolean) => ({
    ...{ reason, description: `${reason} of late`, configuration, sinceMs: SINCE_MS },
  });

  test.each<[name: string, health: Partial<DestinationHealth>, expected: Partial<DestinationView>]>([
    ['that took something', { lastAcceptedMs: SINCE_MS }, { lastSuccessAt: SINCE, trouble: null }],
    [
      'that is down: nothing to mend here',
      { trouble: trouble('http_503', false) },
      { trouble: { since: SINCE, description: 'HTTP 503 of late', hint: null } },
    ],
    [
      'that does not know the keys',
      { trouble: trouble('http_401', true) },
      {
        trouble: {
          since: SINCE,
          description: 'HTTP 401 of late',
          hint: 'check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY',
        },
      },
    ],
    [
      'that forbids it',
      { trouble: trouble('http_403', true) },
      {
        trouble: {
          since: SINCE,
          description: 'HTTP 403 of late',
          hint: 'check what the keys may do, and LANGFUSE_BASE_URL',
        },
      },
    ],
    [
      'that is something else',
      { trouble: trouble('http_404', true) },
      { trouble: { since: SINCE, description: 'HTTP 404 of late', hint: 'check LANGFUSE_BASE_URL' } },
    ],
    [
      'whose name nobody knows',
      { trouble: trouble('ENOTFOUND', true) },
      { trouble: { since: SINCE, description: 'ENOTFOUND of late', hint: 'check its URL and keys' } },
    ],
    [
      'whose 401 is no matter of keys',
      { trouble: trouble('http_401', false) },
      { trouble: { since: SINCE, description: 'HTTP 401 of late', hint: null } },
    ],
    [
      'whose media goes nowhere',
      { mediaTrouble: trouble('http_403', true) },
      {
        trouble: null,
        mediaTrouble: { since: SINCE, description: 'HTTP 403 of late', hint: 'check the media storage of Langfuse' },
      },
    ],
    [
      'whose media goes nowhere for now',
      { mediaTrouble: trouble('http_503', false) },
      { mediaTrouble: { since: SINCE, description: 'HTTP 503 of late', hint: null } },
    ],
  ])('%s', async (_, health, expected) => {
    const { view } = start({ destinations: () => [{ health: { ...FINE, ...health }, baseUrl: 'https://lf.example' }] });
    expect((await view()).destinations).toMatchObject([expected]);
  });

  test('preview mode: there is none', async () => {
    const { view } = start({ destinations: () => [{ health: { ...FINE, destination: 'preview' }, baseUrl: null }] });
    expect(await view()).toMatchObject({ isPreview: true, destinations: [{ name: 'preview', baseUrl: null }] });
  });
});

test('what troubles the gateway', async () => {
  const reasons = ['main: http_401 since then'];
  const { view } = start({ readiness: () => ({ code: 503, status: 'misconfigured', reasons }) });
  expect(await view()).toMatchObject({ status: 'misconfigured', reasons });
});

test('off: of spans nothing is kept, of senders neither; what is missing is counted all the same', async () => {
  const { inspecting, ledger, view } = start({ inspect: { mode: 'off' } });
  await inspecting.keepSpans(numberedSpans(3, { attributes: { 'session.id': 's' } }));
  ledger.accepted(3);
  expect(await view()).toMatchObject({
    ...{ mode: 'off', clients: [], kept: { traces: 0, spans: 0, bytes: 0 } },
    coverage: { spans: 3, withSession: 3, withUser: 0 },
  });
});
