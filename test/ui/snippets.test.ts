import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { curlLine, KEY, langfuseLines, openTelemetryLines } from '../../ui/src/overview/snippets';

const run = promisify(execFile);

/** What a shell hands to curl; nobody is asked for anything. */
async function argumentsOf(line: string): Promise<string[]> {
  const script = `curl() { printf '%s\\0' "$@"; }\n${line}`;
  const { stdout, stderr } = await run('bash', ['-u', '-c', script]);
  expect(stderr).toBe('');
  return stdout.split('\0').slice(0, -1);
}

/** What the lines leave in the environment. */
async function environmentAfter(lines: string): Promise<Record<string, string>> {
  const { stdout } = await run('bash', ['-u', '-c', `${lines}\nenv -0`], { env: { PATH: process.env.PATH } });
  const members = stdout.split('\0').map((line): [string, string] => {
    const [name = ''] = line.split('=', 1);
    return [name, line.slice(name.length + 1)];
  });
  return Object.fromEntries(members.filter(([name]) => /^(?:OTEL|LANGFUSE)_/.test(name)));
}

const URLS = [
  ['an address', 'http://127.0.0.1:4318'],
  ['IPv6', 'http://[::1]:4318'],
  ['a path', 'https://example.com/a%20b/~me'],
  ['single quotes', "http://a'b''c"],
  ['double quotes', 'http://a"b"'],
  ['a variable', 'http://$HOME'],
  ['commands', 'http://a/$(echo 1)/`echo 2`'],
  ['patterns of replace', "http://$&/$'/$`/$1/$$"],
  ['what the shell writes itself', 'http://TRACE_ID/SPAN_ID/START/END'],
  ['an end of the command', 'http://a; echo b & echo c | cat > d'],
  ['backslashes', 'http://a\\b\\\\c'],
  ['blanks, a star and a history', 'http://a b *?[c]{d,e}!f #g'],
  ['lines', 'http://a\nb'],
];

describe.each(URLS)('curl to %s', (_, url) => {
  test('has one argument for each', async () => {
    const given = await argumentsOf(curlLine(url, false));
    expect(given.slice(0, -1)).toEqual([
      ...['-sS', '-H', 'Content-Type: application/json', `${url}/v1/traces`, '--data-binary'],
    ]);
    expect(JSON.parse(given.at(-1) as string)).toHaveProperty('resourceSpans');
  });

  test('shows where the key belongs', async () => {
    const given = await argumentsOf(curlLine(url, true));
    expect(given).toHaveLength(8);
    expect(given.slice(3, 6)).toEqual(['-H', `Authorization: Bearer ${KEY}`, `${url}/v1/traces`]);
  });
});

interface Sent {
  resourceSpans: [{ resource: object; scopeSpans: [{ spans: [Record<string, unknown>] }] }];
}

describe('the first trace', () => {
  const send = async () => JSON.parse((await argumentsOf(curlLine('http://a', false))).at(-1) as string) as Sent;

  test('is one span, which lasts a quarter of a second or, over the turn of one, a second more', async () => {
    const { resourceSpans } = await send();
    expect([resourceSpans.length, resourceSpans[0].scopeSpans.length]).toEqual([1, 1]);
    const { spans } = resourceSpans[0].scopeSpans[0];
    expect(spans).toEqual([
      {
        traceId: expect.stringMatching(/^[\da-f]{32}$/),
        spanId: expect.stringMatching(/^[\da-f]{16}$/),
        startTimeUnixNano: expect.stringMatching(/^\d{10}000000000$/),
        endTimeUnixNano: expect.stringMatching(/^\d{10}250000000$/),
        ...{ name: 'hello', kind: 1, attributes: expect.any(Array) },
      },
    ]);
    const { startTimeUnixNano, endTimeUnixNano } = spans[0];
    const lasts = BigInt(endTimeUnixNano as string) - BigInt(startTimeUnixNano as string);
    expect(lasts % 1_000_000_000n).toBe(250_000_000n);
    expect(lasts).toBeGreaterThan(0n);
  });

  test('has ids of its own each time', async () => {
    const sent = await Promise.all([send(), send()]);
    const spans = sent.map(({ resourceSpans }) => resourceSpans[0].scopeSpans[0].spans[0]);
    expect(new Set(spans.flatMap(({ traceId, spanId }) => [traceId, spanId])).size).toBe(4);
  });

  test('names a service, a session and a user', async () => {
    const { resourceSpans } = await send();
    const text = JSON.stringify(resourceSpans);
    expect(
      ['service.name', 'session.id', 'user.id', 'input', 'output'].filter((key) => !text.includes(`"key":"${key}"`)),
    ).toEqual([]);
  });
});

describe.each(URLS)('settings for %s', (_, url) => {
  test.each([
    ['without a key', false, {}, {}],
    [
      ...(['with a key', true] as const),
      { OTEL_EXPORTER_OTLP_TRACES_HEADERS: `authorization=Bearer%20${KEY}` },
      { LANGFUSE_SECRET_KEY: KEY },
    ],
  ])('%s', async (_name, wantsKey, openTelemetry, langfuse) => {
    expect(await environmentAfter(openTelemetryLines(url, wantsKey))).toEqual({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces`,
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
      ...openTelemetry,
    });
    expect(await environmentAfter(langfuseLines(url, wantsKey))).toEqual({
      ...{ LANGFUSE_BASE_URL: url, LANGFUSE_MEDIA_UPLOAD_ENABLED: 'false' },
      ...langfuse,
    });
  });
});

test('a plain address stands without quotes', () => {
  expect(langfuseLines('http://[::1]:4318', false).split('\n')[0]).toBe('export LANGFUSE_BASE_URL=http://[::1]:4318');
});
