import { type CorpusCase, canonicalOfCase, corpusCases } from './corpus';
import { type FakeLangfuse, startFakeLangfuse } from './fake-langfuse';
import { post } from './post';

const rows = corpusCases.map((one) => [one.name, one] as const);

test('the corpus is whole', () => {
  expect(corpusCases).toHaveLength(185);
  expect(corpusCases.reduce((sum, one) => sum + one.spans, 0)).toBe(3317);
});

test.each(rows)('%s has the spans its meta file counts', (_, one) => {
  expect(canonicalOfCase(one)).toHaveLength(one.spans);
});

describe('posted straight to Langfuse', () => {
  let fake: FakeLangfuse;
  beforeEach(async () => {
    fake = await startFakeLangfuse({ media: { isElsewhere: true } });
  });
  afterEach(() => fake.close());

  const postStraight = (one: CorpusCase) => {
    const authorization = `Basic ${btoa(`${fake.publicKey}:${fake.secretKey}`)}`;
    const url = `${fake.baseUrl}/api/public/otel/v1/traces`;
    return post(url, { ...one, headers: { ...one.headers, authorization } });
  };

  /** What Langfuse cannot take and the gateway can. */
  const refused = new Set(
    ['beacon-text-plain', 'json-bom', 'proto-application-protobuf'].map((name) => `otel-js-browser/${name}`),
  );

  test.each(rows.filter(([name]) => !refused.has(name)))('%s arrives as it was sent', async (_, one) => {
    expect((await postStraight(one)).status).toBe(200);
    expect(fake.spans).toEqual(canonicalOfCase(one));
    expect(fake.violations).toEqual([]);
  });

  test.each(rows.filter(([name]) => refused.has(name)))('%s is refused', async (_, one) => {
    expect((await postStraight(one)).status).toBe(400);
  });
});
