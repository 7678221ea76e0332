import { type Chromium, type ChromiumContext, type ChromiumPage, launchChromium } from './chromium';
import { makeTemporary, removeTemporary } from './temporary';
import { bundlePages, createPageServer, type PageServer } from './web-pages';

export interface BrowserInUse {
  /** Two origins that serve the same pages; neither is a gateway's. */
  readonly origin: string;
  readonly otherOrigin: string;
  /** Opens `path` of an origin, by default the first, in a tab of its own and waits until its scripts have run. */
  openPage(path: string, origin?: string): Promise<BrowserPage>;
}

export interface BrowserPage {
  /** Calls a function that the page's script has put on `globalThis`, and waits for its promise. */
  call<Result>(name: string, argument: unknown): Promise<Result>;
  /** What the page has said on its console, and its errors. */
  readonly messages: readonly string[];
  click(selector: string): Promise<void>;
  /** The text of an element, once it is one that `expected` matches. */
  waitForText(selector: string, expected: RegExp): Promise<string>;
  /** Of what is to be seen of the page, as PNG. */
  screenshot(): Promise<Buffer>;
  /** Leaves the page for another. */
  goTo(url: string): Promise<void>;
  /** Closes the tab as its user does: the page is told. */
  close(): Promise<void>;
}

/**
 * A browser for all tests around the call.
 *
 * @param options.scripts Sources below the project; `a/b.mjs` is bundled and served as `/b.js`, with a page `/b.html`.
 * @param options.folder Files below the project that are served as they are.
 */
export function useBrowser(options: { scripts: readonly string[]; folder?: string }): BrowserInUse {
  const { scripts, folder } = options;
  let bundles: string;
  let servers: PageServer[] = [];
  let chromium: Chromium | undefined;
  let context: ChromiumContext;
  beforeAll(async () => {
    bundles = makeTemporary();
    servers = [1, 2].map(() => createPageServer({ scripts, folder, bundles }));
    await Promise.all([bundlePages(scripts, bundles), ...servers.map((server) => server.listen())]);
    chromium = await launchChromium();
    context = await chromium.newContext();
  }, 60_000);
  afterAll(async () => {
    await chromium?.close();
    await Promise.all(servers.map((server) => server.close()));
    removeTemporary(bundles);
  });
  return {
    get origin() {
      return servers[0]!.origin;
    },
    get otherOrigin() {
      return servers[1]!.origin;
    },
    openPage: async (path, origin = servers[0]!.origin) => {
      const page = await context.newPage();
      const messages: string[] = [];
      page.on('console', (message) => messages.push(message.text()));
      page.on('pageerror', (error) => messages.push(String(error)));
      await page.goto(`${origin}${path}`);
      return control(page, messages);
    },
  };
}

function control(page: ChromiumPage, messages: readonly string[]): BrowserPage {
  return {
    call: <Result>(name: string, argument: unknown) => page.evaluate(callByName, [name, argument]) as Promise<Result>,
    messages,
    click: (selector) => page.click(selector),
    waitForText: async (selector, expected) =>
      (await page.locator(selector).filter({ hasText: expected }).textContent()) ?? '',
    screenshot: () => page.screenshot(),
    goTo: async (url) => {
      await page.goto(url);
    },
    close: async () => {
      const closed = new Promise((resolve) => page.once('close', resolve));
      await page.close({ runBeforeUnload: true });
      await closed;
    },
  };
}

/** Runs in the page. */
function callByName([name, argument]: [name: string, argument: unknown]): unknown {
  return (globalThis as unknown as Record<string, (argument: unknown) => unknown>)[name]!(argument);
}
