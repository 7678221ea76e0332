import type { ClientView } from '../../src/inspector/api';
import { Clients } from '../../src/inspector/clients';
import { scanRequest } from '../../src/otlp/scan';
import { NOBODY } from '../support/inspecting';
import { asProtobuf, type Fields, spanOf } from '../support/otlp-twins';

const text = (attributes: Record<string, string>) =>
  Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));

/** A ResourceSpans of so many spans. */
const group = (resource: Record<string, string>, spans = 1, scope: Fields = { name: 'l' }): Fields => ({
  resource: { attributes: text(resource) },
  scopeSpans: [{ scope, spans: Array.from({ length: spans }, () => spanOf()) }],
});

function start() {
  const clients = new Clients();
  let nowMs = Date.UTC(2026, 0, 1);
  /** A request of these groups, a second after the one before. */
  const send = (groups: readonly Fields[], userAgent?: string) => {
    const { spans } = scanRequest(asProtobuf({ resourceSpans: groups }).body, { check: true });
    clients.seen(spans, { ...NOBODY, userAgent }, nowMs);
    nowMs += 1_000;
  };
  return { clients, send };
}

const second = (number: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, number)).toISOString();
const counts = ({ clients }: ReturnType<typeof start>) =>
  clients.list().map(({ service, spans, requests }) => [service, spans, requests]);

test('nobody', () => expect(start().clients.list()).toEqual([]));

test('what a client says of itself, and what it sent', () => {
  const { clients, send } = start();
  const resource = {
    ...{ 'service.name': 'web', 'telemetry.sdk.name': 'opentelemetry', 'telemetry.sdk.version': '2.0.1' },
    'telemetry.sdk.language': 'nodejs',
  };
  send([group(resource, 3)], 'OTel-JS/2');
  send([group(resource, 2)], 'OTel-JS/2');
  expect(clients.list()).toEqual<ClientView[]>([
    {
      ...{ service: 'web', sdk: 'opentelemetry', sdkVersion: '2.0.1', language: 'nodejs', userAgent: 'OTel-JS/2' },
      ...{ spans: 5, requests: 2, firstSeenAt: second(0), lastSeenAt: second(1) },
    },
  ]);
});

test.each<[name: string, resource: Record<string, string>, scope: Fields, expected: Partial<ClientView>]>([
  ['nothing', {}, {}, { service: null, sdk: null, sdkVersion: null, language: null, userAgent: null }],
  ['empty texts', { 'service.name': '' }, {}, { service: null }],
  [
    "Langfuse's SDK, which has OpenTelemetry's below it",
    { 'telemetry.sdk.name': 'opentelemetry', 'telemetry.sdk.version': '2.0.1', 'telemetry.sdk.language': 'python' },
    { name: 'langfuse-sdk', version: '3.2.0' },
    { sdk: 'langfuse-sdk', sdkVersion: '3.2.0', language: 'python' },
  ],
  ['the same without a version', {}, { name: 'langfuse-sdk' }, { sdk: 'langfuse-sdk', sdkVersion: null }],
  ['a long name', { 'service.name': 'x'.repeat(10_000) }, {}, { service: 'x'.repeat(200) }],
])('%s', (_, resource, scope, expected) => {
  const { clients, send } = start();
  send([group(resource, 1, scope)]);
  expect(clients.list()).toMatchObject([expected]);
});

test('a long User-Agent is cut', () => {
  const { clients, send } = start();
  send([group({})], 'x'.repeat(10_000));
  expect(clients.list()).toMatchObject([{ userAgent: 'x'.repeat(200) }]);
});

test('instances of one service are one client', () => {
  const running = start();
  for (const instance of ['a', 'b', 'c'])
    running.send([group({ 'service.name': 'web', 'service.instance.id': instance })]);
  expect(counts(running)).toEqual([['web', 3, 3]]);
  expect(running.clients.list()).toMatchObject([{ firstSeenAt: second(0), lastSeenAt: second(2) }]);
});

test('what differs in what is shown is another one; who sent last comes first', () => {
  const running = start();
  running.send([group({ 'service.name': 'web' })]);
  running.send([group({ 'service.name': 'worker' })]);
  running.send([group({ 'service.name': 'web' })], 'curl');
  expect(counts(running)).toEqual([
    ['web', 1, 1],
    ['worker', 1, 1],
    ['web', 1, 1],
  ]);
  running.send([group({ 'service.name': 'worker' })]);
  expect(counts(running)[0]).toEqual(['worker', 2, 2]);
});

test('several in one request, as a collector sends them', () => {
  const running = start();
  running.send([
    group({ 'service.name': 'a' }, 2),
    group({ 'service.name': 'b' }, 3),
    group({ 'service.name': 'a' }, 4),
  ]);
  expect(counts(running)).toEqual([
    ['a', 6, 1],
    ['b', 3, 1],
  ]);
});

test('several scopes below one resource are one client', () => {
  const running = start();
  const scopes = ['l', 'm'].map((name) => ({ scope: { name }, spans: [spanOf()] }));
  running.send([{ resource: { attributes: text({ 'service.name': 'web' }) }, scopeSpans: scopes }]);
  expect(counts(running)).toEqual([['web', 2, 1]]);
});

describe('bounds', () => {
  test('a hundred are told, those that sent last', () => {
    const running = start();
    for (let number = 0; number < 150; number++) running.send([group({ 'service.name': `s${number}` })]);
    const told = counts(running).map(([service]) => service);
    expect([told.length, told[0], told.at(-1)]).toEqual([100, 's149', 's50']);
  });

  const instances = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => group({ 'service.name': 'web', 'service.instance.id': `${from + at}` }));

  test('a thousand are known, instances too; who is forgotten begins anew', () => {
    const running = start();
    running.send([group({ 'service.name': 'first' })]);
    for (let from = 0; from < 1_000; from += 50) running.send(instances(from, 50));
    expect(counts(running)).toEqual([['web', 1_000, 1_000]]);
    running.send([group({ 'service.name': 'first' })]);
    expect(counts(running)).toEqual([
      ['first', 1, 1],
      ['web', 999, 999],
    ]);
  });

  test('of one request a hundred', () => {
    const running = start();
    running.send(instances(0, 300));
    expect(counts(running)).toEqual([['web', 100, 100]]);
  });

  test('what differs only far behind does not fill it', () => {
    const running = start();
    const filler = { a: 'x'.repeat(3_000) };
    for (let number = 0; number < 2_000; number++)
      running.send([group({ ...filler, 'service.instance.id': `${number}` })]);
    running.send([group({ 'service.name': 'other' })]);
    expect(counts(running)).toEqual([
      ['other', 1, 1],
      [null, 2_000, 2_000],
    ]);
  });
});
