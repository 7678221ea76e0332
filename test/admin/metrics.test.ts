import { createMetrics, type MetricsOptions } from '../../src/admin/metrics';
import { createLedger } from '../../src/ledger';

/** The contract's names that this version has, and what operators of its storage need beside them, with their labels. */
const NAMES = {
  gateway_receiver_accepted_spans_total: { type: 'counter', labels: [] },
  gateway_receiver_rejected_spans_total: { type: 'counter', labels: ['reason'] },
  gateway_receiver_requests_total: { type: 'counter', labels: ['code', 'path'] },
  gateway_receiver_request_duration_seconds: { type: 'histogram', labels: [] },
  gateway_spans_repaired_total: { type: 'counter', labels: ['repair'] },
  gateway_spans_missing_total: { type: 'counter', labels: ['field'] },
  gateway_trace_contexts_total: { type: 'counter', labels: ['outcome'] },
  gateway_spans_warned_total: { type: 'counter', labels: ['warning'] },
  gateway_queue_spans: { type: 'gauge', labels: [] },
  gateway_queue_bytes: { type: 'gauge', labels: [] },
  gateway_queue_recovered_spans_total: { type: 'counter', labels: [] },
  gateway_replayed_spans_total: { type: 'counter', labels: [] },
  gateway_queue_oldest_age_seconds: { type: 'gauge', labels: [] },
  gateway_delivered_spans_total: { type: 'counter', labels: ['destination'] },
  gateway_dead_lettered_spans_total: { type: 'counter', labels: ['destination', 'reason'] },
  gateway_delivery_attempts_total: { type: 'counter', labels: ['destination', 'outcome'] },
  gateway_delivery_duration_seconds: { type: 'histogram', labels: [] },
  gateway_dead_letters: { type: 'gauge', labels: [] },
  gateway_dead_letters_bytes: { type: 'gauge', labels: [] },
  gateway_dead_letters_expired_total: { type: 'counter', labels: [] },
  gateway_queue_max_bytes: { type: 'gauge', labels: [] },
  gateway_queue_damaged_records_total: { type: 'counter', labels: [] },
  gateway_disk_sick: { type: 'gauge', labels: [] },
  gateway_destination_up: { type: 'gauge', labels: ['destination'] },
  gateway_media_total: { type: 'counter', labels: ['destination', 'outcome'] },
  gateway_receiver_refused_requests_total: { type: 'counter', labels: ['key', 'reason'] },
  gateway_receiver_foreign_origin_requests_total: { type: 'counter', labels: [] },
  gateway_receiver_connections_dropped_total: { type: 'counter', labels: [] },
  gateway_key_last_used_timestamp_seconds: { type: 'gauge', labels: ['key', 'position'] },
};

const EMPTY = {
  ...{ deadLetters: { letters: 0, bytes: 0 }, expiredLetters: 0 },
  ...{ damagedRecords: 0, isSick: false },
};

function start(options: Partial<MetricsOptions> = {}) {
  const ledger = createLedger();
  const metrics = createMetrics({
    totals: ledger.totals,
    queue: () => ({ items: 0, bytes: 0, oldestOfferedAtMs: undefined }),
    storage: () => EMPTY,
    ...{ queueBytesMax: 5_000, isUp: () => true, now: () => 10_000 },
    destinations: ['main'],
    refusals: ['refused', 'expired'],
    repairs: ['id_base64', 'parent_zero'],
    warnings: ['id_repaired', 'orphan_parent'],
    contextOutcomes: ['adopted', 'ignored', 'unreadable'],
    mediaOutcomes: ['uploaded', 'failed'],
    rejections: ['invalid_trace_id'],
    keys: ['web', 'backend', 'web'],
    gateRefusals: ['origin', 'rate'],
    ...options,
  });
  return { ledger, metrics, read: async () => parse(await metrics.text()) };
}

interface Parsed {
  types: Record<string, string>;
  samples: Map<string, number>;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/;

const NUMBER = /^([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?Inf|NaN)$/i;

/** Prometheus' text format, strictly: HELP and TYPE before the samples of their metric, no series twice, values that are numbers. */
function parse(text: string): Parsed {
  const types: Record<string, string> = {};
  const helped = new Set<string>();
  const samples = new Map<string, number>();
  expect(text.endsWith('\n')).toBe(true);
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    const sample = SAMPLE.exec(line);
    expect([line, word !== undefined || sample !== null]).toEqual([line, true]);
    if (word === 'HELP') helped.add(name);
    if (word === 'TYPE') types[name] = rest;
    if (sample === null) continue;
    const family = sample[1]!.replace(/_(bucket|sum|count)$/, '');
    const declared = types[family] === 'histogram' || types[family] === 'summary' ? family : sample[1]!;
    expect([line, types[declared] !== undefined, helped.has(declared)]).toEqual([line, true, true]);
    const key = `${sample[1]}${sample[2] === undefined ? '' : `{${sample[2]}}`}`;
    expect([key, samples.has(key)]).toEqual([key, false]);
    expect([line, NUMBER.test(sample[3]!)]).toEqual([line, true]);
    samples.set(key, Number(sample[3]));
  }
  return { types, samples };
}

/** Something of everything. */
function useAll({ ledger, metrics }: ReturnType<typeof start>) {
  ledger.accepted(9);
  ledger.delivered('main', 5);
  ledger.deadLettered('main', 'refused', 2);
  ledger.deadLettered('main', 'expired', 1);
  metrics.request({ path: '/v1/traces', code: 200, seconds: 0.02 });
  metrics.rejected('invalid_trace_id', 3);
  metrics.repaired('parent_zero', 4);
  metrics.attempt({ destination: 'main', outcome: 'delivered', seconds: 0.2 });
  metrics.media({ destination: 'main', outcome: 'uploaded' });
}

test('the names, types and labels are those that are promised, and there are no others', async () => {
  const started = start();
  useAll(started);
  const { types, samples } = await started.read();
  const found = Object.entries(types)
    .filter(([name]) => name.startsWith('gateway_'))
    .map(([name, type]) => {
      const series = [...samples.keys()].filter(
        (key) => key.replace(/_(bucket|sum|count)?(\{|$).*/, '') === name || key.split('{')[0] === name,
      );
      const labels = series.flatMap((key) => [...key.matchAll(/(\w+)="/g)].map(([, label]) => label!));
      return [name, { type, labels: [...new Set(labels)].filter((label) => label !== 'le').toSorted() }];
    });
  expect(Object.fromEntries(found)).toEqual(NAMES);
});

test('what is known from the start is there at zero', async () => {
  const { samples } = await start().read();
  for (const series of [
    'gateway_receiver_accepted_spans_total',
    'gateway_receiver_rejected_spans_total{reason="invalid_trace_id"}',
    'gateway_spans_repaired_total{repair="id_base64"}',
    'gateway_spans_repaired_total{repair="parent_zero"}',
    'gateway_spans_missing_total{field="session_id"}',
    'gateway_spans_missing_total{field="user_id"}',
    'gateway_trace_contexts_total{outcome="adopted"}',
    'gateway_trace_contexts_total{outcome="ignored"}',
    'gateway_trace_contexts_total{outcome="unreadable"}',
    'gateway_spans_warned_total{warning="id_repaired"}',
    'gateway_spans_warned_total{warning="orphan_parent"}',
    'gateway_delivered_spans_total{destination="main"}',
    'gateway_queue_spans',
    'gateway_queue_bytes',
    'gateway_queue_oldest_age_seconds',
    'gateway_queue_recovered_spans_total',
    'gateway_replayed_spans_total',
    'gateway_dead_lettered_spans_total{destination="main",reason="refused"}',
    'gateway_dead_lettered_spans_total{destination="main",reason="expired"}',
    'gateway_dead_letters',
    'gateway_dead_letters_bytes',
    'gateway_dead_letters_expired_total',
    'gateway_queue_damaged_records_total',
    'gateway_disk_sick',
    'gateway_media_total{destination="main",outcome="uploaded"}',
    'gateway_receiver_refused_requests_total{key="",reason="rate"}',
    'gateway_receiver_refused_requests_total{key="web",reason="origin"}',
    'gateway_receiver_foreign_origin_requests_total',
    'gateway_receiver_connections_dropped_total',
    'gateway_key_last_used_timestamp_seconds{key="backend",position="1"}',
    'gateway_key_last_used_timestamp_seconds{key="web",position="2"}',
  ]) {
    expect([series, samples.get(series)]).toEqual([series, 0]);
  }
});

test('the values', async () => {
  const started = start({ queue: () => ({ items: 1, bytes: 700, oldestOfferedAtMs: 7_500 }) });
  useAll(started);
  // The second scrape shows the same: counting anew is not counting twice.
  await started.read();
  const { samples } = await started.read();
  expect(Object.fromEntries([...samples].filter(([key]) => key.startsWith('gateway_')))).toMatchObject({
    gateway_receiver_accepted_spans_total: 9,
    'gateway_delivered_spans_total{destination="main"}': 5,
    'gateway_dead_lettered_spans_total{destination="main",reason="refused"}': 2,
    'gateway_dead_lettered_spans_total{destination="main",reason="expired"}': 1,
    gateway_queue_spans: 1,
    gateway_queue_bytes: 700,
    gateway_queue_oldest_age_seconds: 2.5,
    'gateway_receiver_requests_total{path="/v1/traces",code="200"}': 1,
    'gateway_receiver_request_duration_seconds_bucket{le="0.025"}': 1,
    'gateway_receiver_request_duration_seconds_bucket{le="0.01"}': 0,
    gateway_receiver_request_duration_seconds_count: 1,
    'gateway_receiver_rejected_spans_total{reason="invalid_trace_id"}': 3,
    'gateway_spans_repaired_total{repair="parent_zero"}': 4,
    'gateway_delivery_attempts_total{destination="main",outcome="delivered"}': 1,
    gateway_delivery_duration_seconds_sum: 0.2,
  });
});

test('both sides of the sum: what was found at start and what was put back count as what came in', async () => {
  const { ledger, read } = start({ queue: () => ({ items: 4, bytes: 1, oldestOfferedAtMs: 0 }) });
  ledger.accepted(5);
  ledger.recovered(3);
  ledger.recovered(1);
  ledger.replayed(2);
  ledger.delivered('main', 6);
  ledger.deadLettered('main', 'refused', 1);
  await read();
  const { samples } = await read();
  expect(Object.fromEntries([...samples].filter(([, value]) => value > 0))).toMatchObject({
    gateway_receiver_accepted_spans_total: 5,
    gateway_queue_recovered_spans_total: 4,
    gateway_replayed_spans_total: 2,
    'gateway_delivered_spans_total{destination="main"}': 6,
    'gateway_dead_lettered_spans_total{destination="main",reason="refused"}': 1,
    gateway_queue_spans: 4,
  });
});

test('what is given up for a reason or a destination that nobody named before has its series', async () => {
  const { ledger, read } = start();
  ledger.deadLettered('old', 'damaged', 7);
  const { samples } = await read();
  expect(samples.get('gateway_dead_lettered_spans_total{destination="old",reason="damaged"}')).toBe(7);
});

test('dead letters, the disk and the destinations, as they are at each scrape', async () => {
  let storage = { deadLetters: { letters: 3, bytes: 900 }, expiredLetters: 2, damagedRecords: 1, isSick: true };
  const down = new Set(['eu']);
  const { read } = start({
    storage: () => storage,
    isUp: (destination) => !down.has(destination),
    destinations: ['main', 'eu'],
  });
  await read();
  expect(Object.fromEntries((await read()).samples)).toMatchObject({
    gateway_dead_letters: 3,
    gateway_dead_letters_bytes: 900,
    gateway_dead_letters_expired_total: 2,
    gateway_queue_damaged_records_total: 1,
    gateway_disk_sick: 1,
    gateway_queue_max_bytes: 5_000,
    'gateway_destination_up{destination="main"}': 1,
    'gateway_destination_up{destination="eu"}': 0,
  });
  storage = { ...storage, deadLetters: { letters: 1, bytes: 300 }, expiredLetters: 4, isSick: false };
  down.clear();
  expect(Object.fromEntries((await read()).samples)).toMatchObject({
    gateway_dead_letters: 1,
    gateway_dead_letters_bytes: 300,
    gateway_dead_letters_expired_total: 4,
    gateway_disk_sick: 0,
    'gateway_destination_up{destination="eu"}': 1,
  });
});

test('what spans lack and are warned of is counted by span, trace contexts by request', async () => {
  const { metrics, read } = start();
  metrics.missing('session_id', 5);
  metrics.missing('session_id', 2);
  metrics.missing('user_id', 3);
  for (const outcome of ['unreadable', 'adopted', 'unreadable'] as const) metrics.traceContext(outcome);
  metrics.warned('orphan_parent', 4);
  metrics.warned('orphan_parent', 2);
  const series = /^gateway_(?:spans_missing|trace_contexts|spans_warned)_total/;
  expect(Object.fromEntries([...(await read()).samples].filter(([name]) => series.test(name)))).toEqual({
    'gateway_spans_missing_total{field="session_id"}': 7,
    'gateway_spans_missing_total{field="user_id"}': 3,
    'gateway_trace_contexts_total{outcome="adopted"}': 1,
    'gateway_trace_contexts_total{outcome="ignored"}': 0,
    'gateway_trace_contexts_total{outcome="unreadable"}': 2,
    'gateway_spans_warned_total{warning="id_repaired"}': 0,
    'gateway_spans_warned_total{warning="orphan_parent"}': 6,
  });
});

test('keys: what was refused, and when each of two of one name was last used', async () => {
  const { metrics, read } = start();
  for (const key of ['web', 'web', undefined]) metrics.refused({ key, reason: 'rate' });
  metrics.keyUsed(2);
  metrics.foreignOrigin();
  metrics.connectionDropped();
  const series = /^gateway_(?:key|receiver_(?:refused|foreign|connections))/;
  const found = [...(await read()).samples].filter(([name, value]) => series.test(name) && value > 0);
  expect(Object.fromEntries(found)).toEqual({
    'gateway_receiver_refused_requests_total{key="",reason="rate"}': 1,
    'gateway_receiver_refused_requests_total{key="web",reason="rate"}': 2,
    gateway_receiver_foreign_origin_requests_total: 1,
    gateway_receiver_connections_dropped_total: 1,
    'gateway_key_last_used_timestamp_seconds{key="web",position="2"}': 10,
  });
});

test('an age is never negative, whatever the clock does', async () => {
  const { read } = start({ queue: () => ({ items: 1, bytes: 1, oldestOfferedAtMs: 10_500 }) });
  expect((await read()).samples.get('gateway_queue_oldest_age_seconds')).toBe(0);
});

test('scrapes at the same time each hold their own sum', async () => {
  const { ledger, metrics } = start();
  const scrapes: Promise<string>[] = [];
  for (let round = 0; round < 20; round++) {
    ledger.accepted(1);
    ledger.delivered('main', 1);
    scrapes.push(metrics.text());
  }
  for (const text of await Promise.all(scrapes)) {
    const { samples } = parse(text);
    expect(samples.get('gateway_delivered_spans_total{destination="main"}')).toBe(
      samples.get('gateway_receiver_accepted_spans_total'),
    );
  }
});

test("the process' own metrics come along, and the type is Prometheus' text", async () => {
  const { metrics, read } = start();
  const { types } = await read();
  expect(types).toMatchObject({ process_resident_memory_bytes: 'gauge', nodejs_eventloop_lag_seconds: 'gauge' });
  expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
});
