import { readFileSync } from 'node:fs';
import { ENVIRONMENT_VARIABLES, NOT_YET, SETTINGS } from '../../src/config';
import { configOf, load } from '../support/configuration';

const reference = readFileSync(`${__dirname}/../../docs/configuration.md`, 'utf8');
const [available = '', notYet = ''] = reference.split('## Not available in this version');

const code = (text: string) => `\`${text}\``;
const cell = (text: string | undefined, twin: string | undefined) =>
  text === undefined ? '–' : [text, ...(twin === undefined ? [] : [text + twin])].map(code).join(' or ');
const rowsOf = (text: string) => text.split('\n').filter((line) => /^\| [`–]/.test(line));

describe('docs/configuration.md', () => {
  test('has exactly the settings there are, with default, range and reason', () => {
    const rows = Object.entries(SETTINGS).map(([key, { env, inFile, secret, kind, default: value, reason }]) => {
      const file = cell(inFile ? key : undefined, secret ? 'File' : undefined);
      const shown = value === undefined || Array.isArray(value) ? undefined : String(value);
      const cells = [file, cell(env, secret ? '_FILE' : undefined), cell(shown, undefined), kind.expected, reason];
      return `| ${cells.join(' | ')} |`;
    });
    expect(rowsOf(available).sort()).toEqual(rows.sort());
  });

  test('has exactly what is not available yet, in a list of its own', () => {
    const rows = NOT_YET.map(({ key, env, inFile, accepted }) => {
      const named = accepted?.map(code).join(', ') ?? 'nothing';
      return `| ${cell(inFile === false ? undefined : key, undefined)} | ${cell(env, undefined)} | ${named} |`;
    });
    expect(rowsOf(notYet).sort()).toEqual(rows.sort());
  });

  test('names every variable, and none that is not read', () => {
    const named = new Set(reference.match(/\b(GATEWAY|LANGFUSE)_[A-Z_]*[A-Z]\b(?!\*)/g));
    const read = ENVIRONMENT_VARIABLES.filter((name) => /^(GATEWAY|LANGFUSE)_/.test(name));
    expect([...named].sort()).toEqual([...read].sort());
  });

  const examples = [...reference.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml);
  const env = { MY_LANGFUSE_SECRET: 'sk-lf-1', ADMIN_PORT: '', RESEARCH_SECRET: 'sk-lf-2', BATCH_KEY: 'gw-batch-1' };

  test('its first example is a configuration without mistakes', () => {
    const [example] = examples;
    expect(load(env, example)).toMatchObject({ warnings: [] });
    expect(configOf(env, example).queue).toMatchObject({ kind: 'disk', dataDir: '/var/lib/langfuse-otlp-gateway' });
    expect(configOf(env, example).destinations).toMatchObject([{ environment: 'production', secretKey: 'sk-lf-1' }]);
  });

  test('so is its example of keys, in which a page says all there is', () => {
    const example = examples[1];
    expect(load(env, example)).toMatchObject({ warnings: [] });
    const { keys } = configOf(env, example);
    expect(keys.map(({ name }) => name)).toEqual(['web', 'backend', 'batch']);
    const fields = Object.keys(SETTINGS).flatMap((key) =>
      key.startsWith('keys[].') ? [key.slice('keys[].'.length)] : [],
    );
    expect(fields.filter((field) => !example?.includes(` ${field}: `))).toEqual([]);
    const [, backend] = configOf({}, 'keys: [{ name: a, key: a }, { name: backend, key: gw-backend-1 }]').keys;
    expect(keys[1]?.sha256).toBe(backend?.sha256);
  });

  test('says which bounds a browser key has by itself', () => {
    const [key] = configOf({}, 'keys: [{ name: a, key: k, browser: true, origins: [https://a.example] }]').keys;
    const figures = [key?.spansPerSecond, key?.bytesPerSecond, key?.maxSpansPerRequest].map((figure) =>
      figure?.toLocaleString('en'),
    );
    const [spans, bytes, inRequest] = figures;
    expect(reference.replace(/\s+/g, ' ')).toContain(
      `${spans} spans and ${bytes} bytes a second, ${inRequest} spans a request`,
    );
  });
});

test('every default is within its own range', () => {
  for (const { kind, default: value } of Object.values(SETTINGS).filter((row) => row.default !== undefined)) {
    expect(kind.schema.safeParse(value)).toMatchObject({ success: true, data: value });
  }
});

test('every variable of the contract is known', () => {
  const twins = ['GATEWAY_ADMIN_TOKEN', 'LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY', 'GATEWAY_INGEST_KEYS'];
  const ofTheContract = [
    'HOST PORT GATEWAY_ADMIN_HOST GATEWAY_ADMIN_PORT GATEWAY_ADMIN_TOKEN LANGFUSE_BASE_URL LANGFUSE_PUBLIC_KEY',
    'LANGFUSE_SECRET_KEY LANGFUSE_TRACING_ENVIRONMENT LANGFUSE_RELEASE GATEWAY_DATA_DIR GATEWAY_QUEUE',
    'GATEWAY_QUEUE_MAX_BYTES GATEWAY_BODY_MAX_BYTES GATEWAY_RETRY_MAX_AGE_S GATEWAY_INGEST_KEYS',
    'GATEWAY_ALLOW_ANONYMOUS GATEWAY_CORS_ORIGINS GATEWAY_SHUTDOWN_TIMEOUT_S GATEWAY_TLS_CERT GATEWAY_TLS_KEY',
    'GATEWAY_TLS_CLIENT_CA GATEWAY_WORKERS GATEWAY_CONFIG LOG_LEVEL',
    'HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy',
  ].flatMap((line) => line.split(' '));
  expect([...ENVIRONMENT_VARIABLES].sort()).toEqual([...ofTheContract, ...twins.map((name) => `${name}_FILE`)].sort());
});
