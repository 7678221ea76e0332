import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Certificate, createAuthority } from '../support/certificates';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { asJson, requestOf, spanOf, T1 } from '../support/otlp-twins';
import { makeTemporary, removeTemporary } from '../support/temporary';

const HOSTS = ['localhost', '127.0.0.1'];
const authority = createAuthority('authority of servers');
const clients = createAuthority('authority of clients');

let folder: string;
let fake: FakeLangfuse;
let gateway: RunningGateway | undefined;
beforeEach(async () => {
  folder = makeTemporary();
  fake = await startFakeLangfuse();
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  await fake.close();
  removeTemporary(folder);
});

/** Writes what TLS needs and answers the variables that name it. */
function variables({ cert, key }: Certificate, clientCa?: string): Record<string, string> {
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    GATEWAY_TLS_CERT: write('cert.pem', cert),
    GATEWAY_TLS_KEY: write('key.pem', key),
    ...(clientCa === undefined ? {} : { GATEWAY_TLS_CLIENT_CA: write('ca.pem', clientCa) }),
  };
}

/** Posts T1 over a connection of its own, or that of `agent`; resolves to the status. */
async function send(url: string, options: https.RequestOptions = {}): Promise<number | undefined> {
  const { headers, body } = asJson(requestOf(spanOf()));
  const request = https.request(`${url}/v1/traces`, {
    ...{ method: 'POST', ca: authority.cert, agent: false },
    ...options,
    headers: { ...headers, 'content-length': body.length },
  });
  request.end(body);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode;
}

test('A19 K09 spans come over TLS, and none without it', async () => {
  gateway = await startGateway({ fake, env: variables(authority.issue({ hosts: HOSTS, days: 20 })) });
  expect(gateway.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect(await send(gateway.url)).toBe(200);
  expect(await fake.waitForSpans(1)).toEqual([T1]);
  const plain = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  plain.write('POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
  // Cut off; what is read before that is at most a TLS alert.
  const [first] = await Promise.race([once(plain, 'data'), once(plain, 'close')]);
  expect(String(first)).not.toMatch(/^HTTP/);
  plain.destroy();
});

test('K09 with an authority of clients: only with a certificate of theirs', async () => {
  const server = authority.issue({ hosts: HOSTS, days: 20 });
  gateway = await startGateway({ fake, env: variables(server, clients.cert) });
  const { cert, key } = clients.issue({ hosts: ['client'], days: 20 });
  const stranger = createAuthority('strangers').issue({ hosts: ['client'], days: 20 });
  await expect(send(gateway.url)).rejects.toThrow();
  await expect(send(gateway.url, { cert: stranger.cert, key: stranger.key })).rejects.toThrow();
  expect(await send(gateway.url, { cert, key })).toBe(200);
  expect(await fake.waitForSpans(1)).toEqual([T1]);
});

test('a certificate that is renewed is taken over, and no request is lost on the way', async () => {
  const env = variables(authority.issue({ hosts: HOSTS, days: 10 }));
  gateway = await startGateway({ fake, env });
  const { url, logs } = gateway;
  const open = new https.Agent({ keepAlive: true, maxSockets: 1 });
  expect(await send(url, { agent: open })).toBe(200);
  const renewed = createAuthority('the next authority');
  variables(renewed.issue({ hosts: HOSTS, days: 90 }));
  const renewals = () => logs.filter((line) => line.includes('TLS: new connections get')).length;
  await eventually(() => expect(renewals()).toBe(2), 15_000);
  expect(await send(url, { ca: renewed.cert })).toBe(200);
  await expect(send(url)).rejects.toThrow();
  expect(await send(url, { agent: open })).toBe(200);
  open.destroy();
  await fake.waitForSpans(3);
}, 30_000);
