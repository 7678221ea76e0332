import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ENVIRONMENT_VARIABLES, loadConfig } from '../src/config';

interface Service {
  image?: string;
  build?: string;
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  ports?: string[];
  profiles?: string[];
  volumes?: string[];
  healthcheck?: { test: string[] };
}
interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}
type Components = Record<string, unknown>;
interface Collector {
  receivers: Components;
  processors: Components;
  exporters: Components;
  service: { pipelines: Record<string, Record<'receivers' | 'processors' | 'exporters', string[]>> };
}

const read = (path: string) => readFileSync(join(__dirname, '..', path), 'utf8');
const compose: Compose = parse(read('docker-compose.yml'), { merge: true });
const collector: Collector = parse(read('examples/collector/config.yaml'));
const services = Object.entries(compose.services);
const service = (name: string): Service => compose.services[name] ?? {};
const environment = (name: string) => service(name).environment ?? {};

/** What a value is when none of its variables is set. */
const byDefault = (value: string | undefined) => value?.replace(/\$\{\w+:-([^}]*)\}/g, '$1');

describe('docker-compose.yml', () => {
  test('holds the gateway and all of Langfuse, and the Collector as a profile', () => {
    const langfuse = ['clickhouse', 'langfuse-web', 'langfuse-worker', 'minio', 'postgres', 'redis'];
    const always = services.filter(([, { profiles }]) => !profiles).map(([name]) => name);
    expect(always.sort()).toEqual([...langfuse, 'gateway'].sort());
    expect(service('collector').profiles).toEqual(['collector']);
  });

  test('sets only variables that the gateway has', () => {
    const names = Object.keys(environment('gateway'));
    expect(names).toContain('LANGFUSE_BASE_URL');
    expect(names.filter((name) => !ENVIRONMENT_VARIABLES.includes(name))).toEqual([]);
  });

  test('is a configuration that the gateway starts with, open where its ports are published', () => {
    const env = Object.fromEntries(
      Object.entries(environment('gateway')).map(([name, value]) => [name, byDefault(value)]),
    );
    expect(loadConfig({ env })).toMatchObject({
      warnings: [],
      config: {
        receiver: { host: '0.0.0.0', port: 4318 },
        admin: { host: '0.0.0.0', port: 4319 },
        destinations: [{ name: 'main', baseUrl: 'http://langfuse-web:3000' }],
        keys: [],
      },
    });
    expect(service('gateway').ports).toEqual(['127.0.0.1:4318:4318', '127.0.0.1:4319:4319']);
  });

  test.each([
    ['LANGFUSE_PUBLIC_KEY', 'LANGFUSE_INIT_PROJECT_PUBLIC_KEY', /^pk-lf-/],
    ['LANGFUSE_SECRET_KEY', 'LANGFUSE_INIT_PROJECT_SECRET_KEY', /^sk-lf-/],
  ])('gives the gateway as %s what Langfuse creates as %s', (ours, theirs, form) => {
    expect(environment('gateway')[ours]).toBe(environment('langfuse-web')[theirs]);
    expect(byDefault(environment('gateway')[ours])).toMatch(form);
  });

  test.each(['ORG_ID', 'PROJECT_ID', 'USER_EMAIL', 'USER_PASSWORD'])('provisions LANGFUSE_INIT_%s', (what) => {
    expect(byDefault(environment('langfuse-web')[`LANGFUSE_INIT_${what}`])).toMatch(/./);
  });

  test.each([
    ['gateway', 'LANGFUSE_BASE_URL'],
    ['langfuse-web', 'DATABASE_URL'],
    ['langfuse-worker', 'CLICKHOUSE_URL'],
    ['langfuse-worker', 'CLICKHOUSE_MIGRATION_URL'],
    ['langfuse-worker', 'LANGFUSE_S3_EVENT_UPLOAD_ENDPOINT'],
    ['collector', 'LANGFUSE_GATEWAY_URL'],
  ])('points %s at a service with %s', (name, variable) => {
    const address = byDefault(environment(name)[variable]) ?? '';
    expect(Object.keys(compose.services)).toContain(new URL(address).hostname);
  });

  test.each([
    [
      'PostgreSQL',
      () => new URL(byDefault(environment('langfuse-web').DATABASE_URL) ?? '').password,
      'postgres',
      'POSTGRES_PASSWORD',
    ],
    ['ClickHouse', () => environment('langfuse-web').CLICKHOUSE_PASSWORD, 'clickhouse', 'CLICKHOUSE_PASSWORD'],
    ['Redis', () => environment('langfuse-web').REDIS_AUTH, 'redis', 'REDISCLI_AUTH'],
    [
      'MinIO',
      () => environment('langfuse-web').LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY,
      'minio',
      'MINIO_ROOT_PASSWORD',
    ],
  ])('gives Langfuse the password of %s', (_store, known, name, variable) => {
    expect(byDefault(known())).toMatch(/.{8}/);
    expect(byDefault(known())).toBe(byDefault(environment(name)[variable]));
  });

  test.each(services)('%s waits only for services that have a health check', (_name, { depends_on = {} }) => {
    const healthy = services.filter(([, { healthcheck, build }]) => healthcheck || build).map(([name]) => name);
    expect(healthy).toEqual(expect.arrayContaining(Object.keys(depends_on)));
    expect(Object.values(depends_on).filter(({ condition }) => condition !== 'service_healthy')).toEqual([]);
  });

  test.each(services)('%s publishes on loopback only', (_name, { ports = [] }) => {
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
  });

  test('publishes no port twice', () => {
    const published = services.flatMap(([, { ports = [] }]) => ports.map((port) => port.split(':')[1]));
    expect(published).toEqual([...new Set(published)]);
  });

  test.each(services)('%s is built here or pinned to a version', (_name, { image, build }) => {
    const version = image?.match(/^[\w./-]+:([\w.-]*\d[\w.-]*)$/)?.[1];
    expect([build, version].filter(Boolean)).toHaveLength(1);
  });

  test('declares each named volume that it mounts', () => {
    const mounted = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
    expect(mounted.filter((name) => !name.startsWith('.')).sort()).toEqual(Object.keys(compose.volumes).sort());
  });
});

describe("the Collector's configuration", () => {
  test.each(['receivers', 'processors', 'exporters'] as const)('defines the %s that its pipelines name', (kind) => {
    const named = Object.values(collector.service.pipelines).flatMap((pipeline) => pipeline[kind]);
    expect([...new Set(named)].sort()).toEqual(Object.keys(collector[kind]).sort());
  });

  test('sends traces to the gateway over HTTP, and to one more place', () => {
    expect(collector.service.pipelines.traces?.exporters).toEqual(['otlphttp/langfuse', 'debug']);
    expect(collector.exporters['otlphttp/langfuse']).toMatchObject({
      endpoint: `\${env:LANGFUSE_GATEWAY_URL:-http://127.0.0.1:4318}`,
    });
  });

  test('reads only variables that docker-compose.yml gives it', () => {
    const used = [...read('examples/collector/config.yaml').matchAll(/\$\{env:(\w+)/g)].map(([, name]) => name);
    expect([...new Set(used)].sort()).toEqual(Object.keys(environment('collector')).sort());
  });

  test('is mounted where the image looks for it, and its ports are the published ones', () => {
    expect(service('collector').volumes).toEqual(['./examples/collector/config.yaml:/etc/otelcol/config.yaml:ro']);
    const listening = JSON.stringify(collector.receivers).match(/(?<=:)\d{4}(?=")/g);
    expect(service('collector').ports?.map((port) => port.split(':')[2])).toEqual(listening);
  });
});
