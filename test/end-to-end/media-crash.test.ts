import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { balanceOf } from '../support/balance';
import { endAllBuilt, startBuilt } from '../support/built-gateway';
import { tagOf, uriOf } from '../support/data-uris';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { langfuseVariables } from '../support/gateway';
import { post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { postOf } from '../support/trace-request';

let folder: string;
let fake: FakeLangfuse;
beforeEach(() => {
  folder = makeTemporary();
});
afterEach(async () => {
  await endAllBuilt();
  await fake.close();
  removeTemporary(folder);
});

test('a kill in the middle of an upload costs nothing: the next life uploads it and delivers the span', async () => {
  let isHanging = true;
  fake = await startFakeLangfuse({
    media: { respond: ({ step }) => (step === 'put' && isHanging ? { stall: true } : undefined) },
  });
  const config = join(folder, 'gateway.yaml');
  writeFileSync(config, 'media: upload\n');
  const env = { GATEWAY_DATA_DIR: join(folder, 'data'), ...langfuseVariables(fake) };
  const content = randomBytes(70_001);
  const first = await startBuilt(env, ['--config', config]);
  const span = { name: 's1', attributes: { 'langfuse.observation.input': uriOf(content) } };
  expect((await post(`${first.url}/v1/traces`, postOf([span]))).status).toBe(200);
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  first.kill('SIGKILL');
  await first.ended;
  expect(fake.spans).toEqual([]);

  isHanging = false;
  const second = await startBuilt(env, ['--config', config]);
  const [delivered] = await fake.waitForSpans(1, 10_000);
  expect(delivered?.attributes).toEqual([{ key: 'langfuse.observation.input', value: { string: tagOf(content) } }]);
  await eventually(async () => expect(balanceOf(await second.metrics())).toEqual({ received: 1, accountedFor: 1 }));
  expect(fake.violations).toEqual([]);
});
