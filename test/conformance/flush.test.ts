import { type FakeLangfuseOptions, startFakeLangfuse } from '../support/fake-langfuse';
import { startGateway } from '../support/gateway';
import { expectSuccess } from '../support/otlp-answer';
import { requestOf, spanOf, T1, twins } from '../support/otlp-twins';
import { post } from '../support/post';

const started: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of started.splice(0).reverse()) await end();
});

async function start(options: FakeLangfuseOptions) {
  const fake = await startFakeLangfuse(options);
  const gateway = await startGateway({ fake, env: { GATEWAY_SHUTDOWN_TIMEOUT_S: '0' } });
  started.push(() => fake.close(), gateway.stop);
  return { fake, gateway };
}

const NOTHING = { headers: {}, body: Buffer.alloc(0) };

describe.each(twins(requestOf(spanOf())))('%s', (encoding, sent) => {
  test.each(['/v1/traces', '/v1/traces?flush=true', '/api/public/otel/v1/traces?flush=true'])(
    'M14 %s is answered before anything is delivered',
    async (path) => {
      const { fake, gateway } = await start({ respond: () => ({ delayMs: 60_000 }) });
      expectSuccess(await post(`${gateway.url}${path}`, sent), encoding);
      expect(fake.spans).toEqual([]);
    },
  );

  test.each(['/flush', '/api/span-forward/flush'])('M14 %s is answered when all is delivered', async (path) => {
    const { fake, gateway } = await start({ respond: () => ({ delayMs: 200 }) });
    expectSuccess(await post(`${gateway.url}/v1/traces`, sent), encoding);
    expect(await post(`${gateway.url}${path}`, NOTHING)).toMatchObject({ status: 202 });
    expect(fake.spans).toEqual([T1]);
    const requests = `gateway_receiver_requests_total{path="${path}",code="202"}`;
    expect(await gateway.metrics()).toMatchObject({ [requests]: 1 });
  });

  test('M14 what Langfuse refuses is settled, too', async () => {
    const { gateway } = await start({ respond: () => ({ status: 400 }) });
    expectSuccess(await post(`${gateway.url}/v1/traces`, sent), encoding);
    expect(await post(`${gateway.url}/flush`, NOTHING)).toMatchObject({ status: 202 });
    const given = 'gateway_dead_lettered_spans_total{destination="main",reason="refused"}';
    expect(await gateway.metrics()).toMatchObject({ [given]: 1 });
  });
});
