import { gzipSync } from 'node:zlib';
import { write } from '../support/configuration';
import { eventually } from '../support/eventually';
import { exchange } from '../support/exchange';
import { type FakeLangfuse, type ForcedAnswer, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { openConnection, rawPost } from '../support/raw-connection';
import { encodeSpans } from '../support/trace-request';

/** In every value that people could have written; found nowhere but at Langfuse. */
const WORDS = 'dear-diary-4711';
const SECRETS = {
  publicKey: 'pk-lf-4712',
  secretKey: 'sk-lf-secret-4713',
  ingestKey: 'gw-key-secret-4714',
  wrongKey: 'gw-key-wrong-4715',
  adminToken: 'admin-token-4716',
  proxyPassword: 'proxy-password-4717',
};
const { publicKey, secretKey } = SECRETS;

const ID = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) };
const value = { stringValue: WORDS };
const attributes = [{ key: 'gen_ai.prompt', value }];
const spans = (...all: object[]) => JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: all }] }] });
const spanWith = (given: object) => spans({ ...ID, name: 'n', attributes, ...given });

/** Bodies that are bad in some way, each with the words in the middle of what is bad. */
const BAD_JSON: [name: string, body: string][] = [
  ['cut off within the words', spanWith({}).slice(0, spanWith({}).indexOf(WORDS) + 5)],
  ['a word where a brace should be', spanWith({}).replace('{', WORDS)],
  ['a word between two members', spanWith({}).replace(`"${WORDS}"`, `"${WORDS}" ${WORDS}`)],
  ['a control character in the words', spanWith({}).replace(WORDS, `${WORDS}\u0001${WORDS}`)],
  ['an escape that is none', spanWith({}).replace(WORDS, `${WORDS}\\q${WORDS}`)],
  ['words alone', JSON.stringify(WORDS)],
  ['a list of words', JSON.stringify([WORDS])],
  ['resource spans that are words', JSON.stringify({ resourceSpans: WORDS })],
  ['spans that are words', JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: WORDS }] }] })],
  ['a span that is words', spans(WORDS as unknown as object)],
  ['a trace id of words', spanWith({ traceId: WORDS })],
  ['a span id of words', spanWith({ spanId: WORDS })],
  ['a parent of words', spanWith({ parentSpanId: WORDS })],
  ['attributes that are words', spanWith({ attributes: WORDS })],
  ['an attribute that is words', spanWith({ attributes: [WORDS] })],
  ['a value that is words', spanWith({ attributes: [{ key: 'k', value: WORDS }] })],
  ['an int of words', spanWith({ attributes: [{ key: 'k', value: { intValue: WORDS } }] })],
  ['a bool of words', spanWith({ attributes: [{ key: 'k', value: { boolValue: WORDS } }] })],
  ['a double of words', spanWith({ attributes: [{ key: 'k', value: { doubleValue: WORDS } }] })],
  ['bytes of words', spanWith({ attributes: [{ key: 'k', value: { bytesValue: `!${WORDS}` } }] })],
  ['an array of words', spanWith({ attributes: [{ key: 'k', value: { arrayValue: WORDS } }] })],
  ['a time of words', spanWith({ startTimeUnixNano: WORDS })],
  ['a kind of words', spanWith({ kind: WORDS })],
  ['a status of words', spanWith({ status: { code: WORDS, message: WORDS } })],
  ['events of words', spanWith({ events: [{ timeUnixNano: WORDS, name: WORDS, attributes }] })],
  ['links of words', spanWith({ links: [{ traceId: WORDS, attributes }] })],
  ['flags of words', spanWith({ flags: WORDS })],
  ['a dropped count of words', spanWith({ droppedAttributesCount: WORDS })],
  ['a duplicate of words', spanWith({}).replace('"name"', `"${WORDS}":"${WORDS}","name"`)],
];

let fake: FakeLangfuse;
let gateway: RunningGateway;
let trouble: ForcedAnswer | undefined;
/** Everything that left the gateway, but what went to Langfuse. */
let said: string[];
beforeEach(async () => {
  trouble = undefined;
  said = [];
  fake = await startFakeLangfuse({
    publicKey,
    secretKey,
    respond: () => trouble,
    refuseSpan: ({ name }) => name === 'refused',
  });
});
afterEach(async () => {
  await gateway.stop();
  await fake.close();
});

async function start(env: Record<string, string> = {}) {
  gateway = await startGateway({
    fake,
    env: { LOG_LEVEL: 'trace', GATEWAY_SHUTDOWN_TIMEOUT_S: '0', GATEWAY_INGEST_KEYS: SECRETS.ingestKey, ...env },
  });
}

async function send(body: string | Uint8Array, headers: Record<string, string> = {}) {
  const answer = await exchange(gateway.url, {
    method: 'POST',
    path: '/v1/traces',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${SECRETS.ingestKey}`, ...headers },
    body: Buffer.from(body),
  });
  said.push(JSON.stringify(answer.headers), answer.body.toString('latin1'));
  return answer;
}

async function look(path: string): Promise<string> {
  const headers = { authorization: `Bearer ${SECRETS.adminToken}` };
  const text = (await exchange(gateway.adminUrl, { method: 'GET', path, headers })).body.toString();
  said.push(text);
  return text;
}

const LOOKED_AT = [
  '/',
  '/healthz',
  '/readyz',
  '/metrics',
  '/api',
  '/api/overview',
  '/api/trouble',
  '/api/dead-letters',
];

/** What the gateway has said by now, on every way it has. */
async function everythingSaid(): Promise<string> {
  for (const path of LOOKED_AT) await look(path);
  const { traces } = JSON.parse(await look('/api/traces?limit=500')) as { traces: { traceId: string }[] };
  await look('/api/traces?rejected=true');
  for (const { traceId } of traces) {
    await look(`/api/traces/${traceId}`);
    const { rows } = JSON.parse(await look(`/api/traces/${traceId}/tree`)) as { rows: { spanId: string }[] };
    for (const { spanId } of rows) await look(`/api/traces/${traceId}/spans/${spanId}`);
  }
  return [...gateway.logs, ...said].join('\n');
}

function expectSecretsKept(text: string): void {
  const basic = btoa(`${publicKey}:${secretKey}`);
  const { publicKey: _, ...secrets } = SECRETS;
  for (const secret of [WORDS, basic, ...Object.values(secrets)]) expect(text).not.toContain(secret);
  // Not in base64 either.
  for (const secret of [WORDS, secretKey]) {
    for (const shift of [0, 1, 2]) expect(text).not.toContain(btoa('x'.repeat(shift) + secret).slice(4, 16));
  }
}

test.each(BAD_JSON)('%s: neither in the log nor in an answer', async (_, body) => {
  await start();
  await send(body);
  await send(gzipSync(body).subarray(0, -9), { 'content-encoding': 'gzip' });
  await send(body, { 'content-type': 'text/plain' });
  await send(body, { 'content-type': 'application/x-protobuf' });
  expectSecretsKept(await everythingSaid());
});

test.each(BAD_JSON)('%s, with every repair off', async (_, body) => {
  const names = ['attribute_retyped', 'attribute_value_absent', 'link_dropped', 'kind_unknown', 'invalid_utf8'];
  const off = names.map((name) => `${name}: false`).join(', ');
  await start({ GATEWAY_CONFIG: write(`repairs: { ids: off, ${off} }`) });
  await send(body);
  expectSecretsKept(await everythingSaid());
});

test('protobuf cut at every place, and refused by Langfuse', async () => {
  // Of what is accepted the inspector would show the resource, words and all.
  await start({ GATEWAY_CONFIG: write('inspector: off') });
  const body = encodeSpans([{ name: 'refused', attributes: { 'gen_ai.prompt': WORDS } }], { resource: { r: WORDS } });
  const headers = { 'content-type': 'application/x-protobuf' };
  for (let end = 1; end <= body.length; end++) await send(body.subarray(0, end), headers);
  await eventually(() => expect(gateway.logs.join('')).toContain('cannot be delivered'));
  expectSecretsKept(await everythingSaid());
});

test.each<[string, ForcedAnswer]>([
  ['401 that repeats the key', { status: 401, body: JSON.stringify({ message: `bad ${secretKey}`, words: WORDS }) }],
  ['400 that repeats the spans', { status: 400, body: WORDS }],
  ['413', { status: 413, body: WORDS }],
  ['500 that repeats the spans', { status: 500, body: WORDS, headers: { 'x-words': WORDS } }],
  ['a redirect', { status: 302, headers: { location: `http://${secretKey}:${WORDS}@127.0.0.1:1/` } }],
  ['Retry-After of words', { status: 429, headers: { 'Retry-After': WORDS } }],
  ['a closed connection', { destroy: true }],
])('Langfuse answers with %s', async (_, answer) => {
  trouble = answer;
  await start();
  await send(
    spanWith({ events: [{ name: 'e', attributes }], links: [{ ...ID, attributes }], status: { message: WORDS } }),
  );
  await eventually(() => expect(gateway.logs.join('')).toMatch(/"level":[45]0/));
  expectSecretsKept(await everythingSaid());
});

test('keys and tokens that are presented, right and wrong', async () => {
  await start({ GATEWAY_ADMIN_TOKEN: SECRETS.adminToken });
  for (const authorization of [`Bearer ${SECRETS.wrongKey}`, `Basic ${btoa(`pk:${SECRETS.wrongKey}`)}`, '']) {
    expect((await send(spanWith({}), { authorization })).status).toBe(401);
  }
  await send(spanWith({}), {
    authorization: '',
    'x-api-key': SECRETS.ingestKey,
    cookie: `session=${SECRETS.wrongKey}`,
  });
  for (const token of [SECRETS.adminToken, SECRETS.wrongKey]) {
    const headers = { authorization: `Bearer ${token}` };
    for (const path of ['/metrics', '/api/traces/aa', '/nothing']) {
      said.push((await exchange(gateway.adminUrl, { method: 'GET', path, headers })).body.toString());
    }
  }
  await fake.waitForSpans(1);
  expectSecretsKept(await everythingSaid());
});

test('a proxy that is out of reach, with a password', async () => {
  await start({ HTTP_PROXY: `http://user:${SECRETS.proxyPassword}@127.0.0.1:1` });
  await send(spanWith({}));
  await eventually(() => expect(gateway.logs.join('')).toContain('"reason":"refused"'));
  expectSecretsKept(await everythingSaid());
});

test('a sender that goes away in the middle of its words', async () => {
  await start();
  const connection = await openConnection(gateway.url);
  const headers = { authorization: `Bearer ${SECRETS.ingestKey}`, 'content-type': 'application/json' };
  const request = rawPost({ headers, body: Buffer.from(spanWith({})) });
  await connection.write(request.subarray(0, request.indexOf(WORDS) + 5));
  connection.socket.destroy();
  await eventually(async () => {
    const samples = await gateway.metrics();
    expect(samples['gateway_receiver_requests_total{path="/v1/traces",code="499"}']).toBe(1);
  });
  expectSecretsKept(await everythingSaid());
});

test('the words that are looked for do arrive at Langfuse, and where they are asked for', async () => {
  await start({ GATEWAY_CONFIG: write('inspector: full') });
  await send(spanWith({}));
  expect((await everythingSaid()).split(WORDS).length).toBeGreaterThan(2);
  expect(await fake.waitForSpans(1)).toMatchObject([
    { attributes: [{ key: 'gen_ai.prompt', value: { string: WORDS } }] },
  ]);
});
