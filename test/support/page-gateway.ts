import type { BrowserInUse, BrowserPage } from './browser';
import type { CanonicalSpan } from './canonical';
import { canonicalOfSent, type SentSpan } from './client-programs';
import { type FakeLangfuse, startFakeLangfuse } from './fake-langfuse';
import { type RunningGateway, startGateway } from './gateway';
import { visible } from './visible-span';

export interface PageGateway {
  readonly url: string;
  readonly fake: FakeLangfuse;
  /** As in RunningGateway. */
  metrics(): Promise<Record<string, number>>;
  /** Asserts that what the page says it sent (examples/sent-spans.mjs) has arrived as it was, with these flags, and nothing else. */
  expectArrival(page: BrowserPage, flags: number): Promise<void>;
}

/**
 * A gateway for pages, on an origin of its own, and a fake Langfuse behind it; anew for each test.
 *
 * @param yaml The configuration, from the origins of a browser that is in use already.
 */
export function useGatewayForPages(
  browser: BrowserInUse,
  yaml: (origins: Pick<BrowserInUse, 'origin' | 'otherOrigin'>) => string,
): PageGateway {
  let fake: FakeLangfuse;
  let gateway: RunningGateway;
  beforeEach(async () => {
    fake = await startFakeLangfuse();
    gateway = await startGateway({ fake, yaml: yaml(browser) });
  });
  afterEach(async () => {
    await gateway?.stop();
    await fake?.close();
  });
  return {
    get url() {
      return gateway.url;
    },
    get fake() {
      return fake;
    },
    metrics: () => gateway.metrics(),
    expectArrival: async (page, flags) => {
      const sent = sentBy(page);
      const arrived = await fake.waitForSpans(sent.length);
      expect(byId(arrived)).toEqual(byId(sent.map((span) => visible(canonicalOfSent(span, { flags })))));
      expect(fake.violations).toEqual([]);
    },
  };
}

export const byId = (spans: readonly CanonicalSpan[]) => spans.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1));

/** It is the last thing that the page says. */
function sentBy({ messages }: BrowserPage): SentSpan[] {
  const { spans } = JSON.parse(messages.at(-1) ?? '{"spans":[]}') as { spans: SentSpan[] };
  expect(spans).toHaveLength(3);
  return spans;
}
