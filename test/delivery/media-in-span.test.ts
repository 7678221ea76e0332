import { randomBytes } from 'node:crypto';
import type { DeliverySpan } from '../../src/delivery/attempt';
import { createMediaClient, type MediaClient, type Medium } from '../../src/delivery/media-client';
import { type MediaResults, mayHoldMedia, replaceMedia } from '../../src/delivery/media-in-span';
import { createMediaUploader } from '../../src/delivery/media-uploader';
import type { Retry } from '../../src/delivery/outcome';
import { startAttempt } from '../support/attempts';
import { mediaIdOf, tagOf, uriOf } from '../support/data-uris';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { encodeSpans, numberedSpans } from '../support/trace-request';

let fake: FakeLangfuse;
let client: MediaClient;
let isDown: boolean;
beforeEach(async () => {
  isDown = false;
  const isFailing = ({ contentType }: Record<string, unknown>) => isDown && contentType === 'image/gif';
  fake = await startFakeLangfuse({
    media: { respond: ({ said }) => (isFailing(said) ? { status: 503 } : undefined), contentBytesMax: 10_000_000 },
  });
  const { baseUrl, publicKey, secretKey } = fake;
  const destination = { name: 'main', baseUrl, publicKey, secretKey, compression: 'none' as const };
  client = createMediaClient({ destination, proxy: {}, userAgent: 'test/1', now: Date.now, connections: 8 });
});
afterEach(async () => {
  await client.close();
  await fake.close();
  expect(fake.violations).toEqual([]);
});

const spanWith = (attributes: Record<string, string>) =>
  startAttempt(encodeSpans([{ name: 's1', attributes }])).spans[0]!;

/** Puts what takes the place of data URIs into the span, and resolves to what is to become of it where something failed. */
async function replace(span: DeliverySpan, results: MediaResults = new Map()): Promise<Retry | undefined> {
  const uploader = createMediaUploader({ client, now: Date.now });
  const upload = (medium: Medium) => uploader.upload(medium, (waitedFor) => waitedFor);
  const outcome = await replaceMedia(span, { upload, results });
  if (outcome.kind === 'retry') return outcome;
  for (const [key, text] of outcome.texts) span.attributes[key] = text;
  return undefined;
}

const CAT = randomBytes(301);
const DOG = randomBytes(302);

test('tags take the place of data URIs, in every attribute that Langfuse shows media of, and in no other', async () => {
  const span = spanWith({
    'langfuse.observation.input': `a ${uriOf(CAT)} b ${uriOf(DOG, 'image/jpeg')} c`,
    'llm.output_messages.0.message.content': uriOf(DOG),
    'langfuse.observation.metadata.picture': uriOf(CAT),
    'http.url': uriOf(CAT),
    other: 'text',
  });
  expect(await replace(span)).toBeUndefined();
  expect(Object.fromEntries(span.changedAttributes())).toEqual({
    'langfuse.observation.input': `a ${tagOf(CAT)} b ${tagOf(DOG, 'image/jpeg')} c`,
    'llm.output_messages.0.message.content': tagOf(DOG),
    'langfuse.observation.metadata.picture': tagOf(CAT),
  });
  const { traceId, spanId } = span.spanContext();
  expect(fake.media.requests.filter(({ step }) => step === 'announce').map(({ said }) => said)).toEqual(
    ['input', 'input', 'output', 'metadata'].map((field) =>
      expect.objectContaining({ traceId, observationId: spanId, field }),
    ),
  );
});

const INPUT = 'langfuse.observation.input';

test.each([
  ['slashes', (base64: string) => base64.replaceAll('/', '\\/')],
  ['all that .NET escapes', (base64: string) => base64.replaceAll('+', '\\u002B').replaceAll('/', '\\/')],
  [
    'everything',
    (base64: string) => base64.replaceAll('+', '\\u002b').replaceAll('/', '\\u002f').replaceAll('=', '\\u003d'),
  ],
])('base64 with escapes of JSON: %s', async (_, escaped) => {
  // Longer than what is read in one turn, and full of what is escaped.
  const content = Buffer.alloc(1_000_001, Buffer.from('//7+//+++/7v', 'base64'));
  const [head, base64] = uriOf(content).split(',');
  const span = spanWith({ [INPUT]: `{"image":"${head},${escaped(base64!)}"}` });
  expect(await replace(span)).toBeUndefined();
  expect(span.attributes[INPUT]).toBe(`{"image":"${tagOf(content)}"}`);
  expect(fake.media.shown().get(mediaIdOf(content))?.content.equals(content)).toBe(true);
});

test('what is refused stays, and what was not changed leaves as it came', async () => {
  const strange = uriOf(CAT, 'image/x-strange');
  const span = spanWith({ [INPUT]: `${strange} ${uriOf(CAT)}`, 'langfuse.observation.output': strange });
  expect(await replace(span)).toBeUndefined();
  expect(Object.fromEntries(span.changedAttributes())).toEqual({ [INPUT]: `${strange} ${tagOf(CAT)}` });
});

test('a failure leaves all as it was', async () => {
  isDown = true;
  const span = spanWith({ [INPUT]: uriOf(CAT), 'langfuse.observation.output': uriOf(DOG, 'image/gif') });
  expect(await replace(span)).toEqual({ kind: 'retry', reason: 'media_http_503', media: true });
  expect(span.changedAttributes().size).toBe(0);
});

test('what has come to an end is not asked for again: the next attempt goes on where the last one failed', async () => {
  isDown = true;
  const text = `${uriOf(CAT)} ${uriOf(CAT, 'image/x-strange')} ${uriOf(DOG, 'image/gif')}`;
  const results: MediaResults = new Map();
  expect(await replace(spanWith({ [INPUT]: text }), results)).toMatchObject({ kind: 'retry' });
  expect(fake.media.count('announce')).toBe(3);
  isDown = false;
  const again = spanWith({ [INPUT]: text });
  expect(await replace(again, results)).toBeUndefined();
  expect(again.attributes[INPUT]).toBe(`${tagOf(CAT)} ${uriOf(CAT, 'image/x-strange')} ${tagOf(DOG, 'image/gif')}`);
  expect(fake.media.count('announce')).toBe(4);
});

test('the same medium in one field is asked for once', async () => {
  const span = spanWith({ [INPUT]: uriOf(CAT).repeat(5), 'langfuse.observation.output': uriOf(CAT) });
  await replace(span);
  expect(span.attributes[INPUT]).toBe(tagOf(CAT).repeat(5));
  expect(fake.media.count('announce')).toBe(2);
});

test.each([
  ['a mark without a data URI', 'look for ;base64, in it'],
  ['a data URI without data', 'data:image/png;base64,'],
  ['less than a byte', 'data:image/png;base64,A'],
])('%s is nothing to upload', async (_, text) => {
  const span = spanWith({ [INPUT]: text });
  expect(await replace(span)).toBeUndefined();
  expect([span.changedAttributes().size, fake.media.requests]).toEqual([0, []]);
});

test('spans without a mark are passed over by their bytes', () => {
  const plain = numberedSpans(3);
  const holding = { name: 's4', attributes: { [INPUT]: uriOf(CAT) } };
  const of = (spans: Parameters<typeof encodeSpans>[0]) => {
    const bytes = encodeSpans(spans);
    return mayHoldMedia(bytes, startAttempt(bytes).spans).map(({ name }) => name);
  };
  expect(of(plain)).toEqual([]);
  expect(of([...plain, holding])).toEqual(['s4']);
  expect(of([holding, ...plain])).toEqual(['s4']);
});

test('the first hundred of a span are uploaded, over all its attributes; the others stay', async () => {
  const media = Array.from({ length: 103 }, (_, at) => Buffer.from(`medium ${at}`));
  const span = spanWith({
    'langfuse.observation.input': media
      .slice(0, 60)
      .map((one) => uriOf(one))
      .join(' '),
    'langfuse.observation.output': media
      .slice(60)
      .map((one) => uriOf(one))
      .join(' '),
  });
  expect(await replace(span)).toBeUndefined();
  const left = media.map((one, at) => (at < 100 ? tagOf(one) : uriOf(one)));
  expect(Object.fromEntries(span.changedAttributes())).toEqual({
    'langfuse.observation.input': left.slice(0, 60).join(' '),
    'langfuse.observation.output': left.slice(60).join(' '),
  });
  expect(fake.media.count('announce')).toBe(100);
});
