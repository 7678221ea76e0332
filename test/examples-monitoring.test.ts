import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { eventually } from './support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from './support/fake-langfuse';
import { type RunningGateway, startGateway } from './support/gateway';
import { post } from './support/post';
import { type Exported, exportedFrom, familyOf, faults, readPromql } from './support/promql';
import { postOf } from './support/trace-request';

interface Alert {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
interface Target {
  refId: string;
  expr: string;
  legendFormat: string;
}
interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { type: string; uid: string };
  targets?: Target[];
  fieldConfig?: { defaults: { unit?: string } };
}
interface Dashboard {
  schemaVersion: number;
  templating: { list: { name: string; type: string; definition?: string }[] };
  annotations: { list: { expr?: string; titleFormat?: string }[] };
  panels: Panel[];
}

const read = (path: string) => readFileSync(join(__dirname, '../examples', path), 'utf8');
const { groups }: { groups: { name: string; rules: Alert[] }[] } = parse(read('prometheus/alerts.yml'));
const alerts = groups.flatMap(({ rules }) => rules);
const prometheus: {
  rule_files: string[];
  scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
} = parse(read('prometheus/prometheus.yml'));
const dashboard: Dashboard = JSON.parse(read('grafana/dashboard.json'));
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** Expressions, and the templates that name labels of their results. */
const dashboardUses: [where: string, expr: string, templates: string][] = [
  ...panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr, legendFormat }): [string, string, string] => [`${title} ${refId}`, expr, legendFormat]),
  ),
  ...dashboard.annotations.list.flatMap(({ expr, titleFormat = '' }): [string, string, string][] =>
    expr === undefined ? [] : [['annotation', expr, titleFormat]],
  ),
];
const alertUses = alerts.map(({ alert, expr, annotations }): [string, string, string] => [
  alert,
  expr,
  Object.values(annotations).join('\n'),
]);

let fake: FakeLangfuse;
let gateway: RunningGateway;
let exported: Exported;

/** A full queue, wrong keys, a body that is none and a span that Langfuse refuses: every series has its reason to be. */
beforeAll(async () => {
  let isShutOut = true;
  fake = await startFakeLangfuse({
    respond: () => (isShutOut ? { status: 401 } : undefined),
    refuseSpan: ({ name }) => name === 'unwanted',
  });
  const yaml = '{ media: upload, keys: [{ name: backend, key: gw-backend-1 }] }';
  gateway = await startGateway({ fake, yaml, env: { GATEWAY_QUEUE_MAX_BYTES: '262144' } });
  const key = { 'x-api-key': 'gw-backend-1' };
  const send = (name: string, attributes = {}) => {
    const { headers, body } = postOf([{ name, attributes }]);
    return post(`${gateway.url}/v1/traces`, { headers: { ...headers, ...key }, body });
  };
  const becomes = async (series: string, value: unknown) =>
    eventually(async () => expect((await gateway.metrics())[series]).toEqual(value), 15_000);

  await fetch(`${gateway.url}/healthz`);
  const json = { ...key, 'content-type': 'application/json' };
  await post(`${gateway.url}/v1/traces`, { headers: json, body: Buffer.from('[') });
  const large = { text: 'x'.repeat(150_000) };
  expect((await send('s1', large)).status).toBe(200);
  expect((await send('s2', large)).status).toBe(503);
  await becomes('gateway_delivery_attempts_total{destination="main",outcome="http_401"}', expect.any(Number));
  isShutOut = false;
  await becomes('gateway_queue_spans', 0);
  expect((await send('unwanted')).status).toBe(200);
  await becomes('gateway_dead_lettered_spans_total{destination="main",reason="refused"}', 1);
  exported = exportedFrom(Object.keys(await gateway.metrics()));
});

afterAll(async () => {
  await gateway.stop();
  await fake.close();
});

describe('what they ask for is what the gateway exports', () => {
  test.each(alertUses)('alert %s', (_alert, expr, templates) => {
    expect(faults(expr, templates, exported)).toEqual([]);
  });

  test.each(dashboardUses)('panel %s', (_panel, expr, templates) => {
    expect(faults(expr, templates, exported)).toEqual([]);
  });

  test('variables of the dashboard', () => {
    const queries = dashboard.templating.list.flatMap(({ definition }) =>
      definition === undefined ? [] : [definition],
    );
    const wrong = queries.flatMap((definition) => {
      const [, expr = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
      return faults(expr, `{{${label}}}`, exported);
    });
    expect([queries.length, wrong]).toEqual([2, []]);
  });

  test('every metric of the gateway is on the dashboard', () => {
    const shown = new Set(
      dashboardUses.flatMap(([, expr]) => readPromql(expr).selectors.map(({ metric }) => familyOf(metric))),
    );
    const ours = new Set([...exported.keys()].filter((name) => name.startsWith('gateway_')).map(familyOf));
    expect([...ours].filter((name) => !shown.has(name))).toEqual([]);
  });
});

describe('a mistake is seen', () => {
  test.each([
    ['gateway_queue_span', '', 'no metric gateway_queue_span'],
    ['gateway_queue_spans{destination="main"}', '', 'gateway_queue_spans has no label destination'],
    [
      'gateway_receiver_requests_total{code="200",path="/healthy"}',
      '',
      'no series of gateway_receiver_requests_total matches',
    ],
    ['gateway_delivery_attempts_total{outcome!~".*"}', '', 'no series of gateway_delivery_attempts_total matches'],
    ['sum by (reason) (gateway_delivered_spans_total)', '', 'no label reason'],
    [
      'sum without (reason) (gateway_dead_lettered_spans_total)',
      '{{ $labels.reason }}',
      'the result has no label reason',
    ],
    ['sum by (reason) (gateway_dead_lettered_spans_total)', '{{destination}}', 'the result has no label destination'],
  ])('%s %s', (expr, templates, fault) => {
    expect(faults(expr, templates, exported)).toEqual([fault]);
  });

  test.each(['rates(up[5m])', '{job="x"}', 'up ? 1 : 0', 'sum(up) by'])('not read: %s', (expr) => {
    expect(() => readPromql(expr)).toThrow();
  });
});

describe('alerts.yml and prometheus.yml', () => {
  test.each(alerts.map((alert) => [alert.alert, alert] as const))(
    '%s says what it is and what to do',
    (name, alert) => {
      expect(name).toMatch(/^LangfuseGateway[A-Z]\w+$/);
      expect(['critical', 'warning', 'info']).toContain(alert.labels.severity);
      expect(alert.for ?? '0s').toMatch(/^\d+[smh]$/);
      const text = expect.stringMatching(/\S/);
      expect(alert.annotations).toEqual({ summary: text, description: text, action: text });
    },
  );

  test('names are unique', () => {
    const names = [...groups.map(({ name }) => name), ...alerts.map(({ alert }) => alert)];
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('they know the gateway by the same job, where it listens by default', () => {
    const matchers = alertUses.flatMap(([, expr]) => readPromql(expr).selectors.flatMap((one) => one.matchers));
    const jobs = matchers.filter(({ label }) => label === 'job').map(({ value }) => value);
    const [scrape] = prometheus.scrape_configs;
    expect([...new Set(jobs)]).toEqual([scrape?.job_name]);
    expect(scrape?.static_configs).toEqual([{ targets: ['127.0.0.1:4319'] }]);
    expect(prometheus.rule_files).toEqual(['alerts.yml']);
  });
});

describe('dashboard.json', () => {
  test('is for Grafana 10, with its data source as a variable', () => {
    expect(dashboard.schemaVersion).toBe(38);
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['instance', 'query'],
      ['destination', 'query'],
    ]);
    const uid = expect.stringMatching(/^\$\{datasource\}$/);
    const sources = panels.map(({ datasource }) => datasource);
    expect(sources).toEqual(panels.map(() => ({ type: 'prometheus', uid })));
  });

  test('every panel has an id of its own, a description, a unit and something to show', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const bare = panels.filter((one) => !one.description || !one.fieldConfig?.defaults.unit || !one.targets?.length);
    expect(bare.map(({ title }) => title)).toEqual([]);
  });

  test('no panel lies on another or beyond the edge', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(cells.length).toBeGreaterThan(0);
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x < 0 || x + w > 24)).toEqual([]);
  });

  test('uses no variable that it does not have', () => {
    const used = new Set(dashboardUses.flatMap(([, expr]) => [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name)));
    expect([...used].sort()).toEqual(['__rate_interval', 'destination', 'instance']);
  });
});
