import { eventually } from '../support/eventually';
import { startFakeLangfuse } from '../support/fake-langfuse';
import { startGateway } from '../support/gateway';
import { post } from '../support/post';
import { numberedSpans, postOf } from '../support/trace-request';

test('a flush is not answered before the delivery although the clock was set back after the spans came', async () => {
  let isDown = true;
  const fake = await startFakeLangfuse({ respond: () => (isDown ? { status: 503 } : undefined) });
  const gateway = await startGateway({ fake });
  const clock = jest.spyOn(Date, 'now');
  try {
    expect((await post(`${gateway.url}/v1/traces`, postOf(numberedSpans(1)))).status).toBe(200);
    const backMs = Date.now() - performance.now() - 3_600_000;
    clock.mockImplementation(() => backMs + performance.now());
    const steps: string[] = [];
    const flushed = post(`${gateway.url}/flush`, { headers: {}, body: Buffer.alloc(0) }).then(({ status }) => {
      steps.push(`flush ${status}`);
    });
    const tries = fake.requests.length;
    // Each try comes later than many looks at the queue.
    await eventually(() => expect(fake.requests.length).toBeGreaterThan(tries + 1), 15_000);
    steps.push('well');
    isDown = false;
    await flushed;
    expect(steps).toEqual(['well', 'flush 202']);
    expect(fake.spans).toHaveLength(1);
  } finally {
    clock.mockRestore();
    await gateway.stop();
    await fake.close();
  }
});
