import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Chromium, type ChromiumPage, type ContextOptions, clientPackage, launchChromium } from './chromium';

/** Where screenshots are put to be looked at; git ignores it. */
const SHOTS = join(__dirname, '../../.cache/inspector');

const WIDTHS = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } } as const;
export type Width = keyof typeof WIDTHS;
export type Theme = 'light' | 'dark';

export interface OpenInspector {
  readonly page: ChromiumPage;
  /** What the page has said on its console, and its errors. */
  readonly messages: readonly string[];
  /** Of all that was asked for. */
  readonly urls: readonly string[];
}

/** A browser for all tests around the call, and pages of inspectors in it, each with a profile of its own. */
export function useInspectorPages() {
  let chromium: Chromium | undefined;
  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    chromium = await launchChromium();
  }, 60_000);
  afterAll(() => chromium?.close());
  return {
    /** `hash` is a place of the page, such as `#/traces`. */
    async open(
      adminUrl: string,
      { hash = '', width = 'wide', theme = 'light', ...options }: OpenOptions = {},
    ): Promise<OpenInspector> {
      const context = await chromium!.newContext({
        viewport: WIDTHS[width],
        colorScheme: theme,
        reducedMotion: 'reduce',
        ...options,
      });
      const page = await context.newPage();
      const messages: string[] = [];
      const urls: string[] = [];
      page.on('console', (message) => messages.push(message.text()));
      page.on('pageerror', (error) => messages.push(String(error)));
      page.on('request', (request) => urls.push(request.url()));
      await page.goto(`${adminUrl}/${hash}`);
      return { page, messages, urls };
    },

    shoot: (page: ChromiumPage, name: string) => page.screenshot({ path: join(SHOTS, `${name}.png`) }),
  };
}

type OpenOptions = { hash?: string; width?: Width; theme?: Theme } & Pick<ContextOptions, 'httpCredentials'>;

export interface Violation {
  readonly id: string;
  readonly impact: string | null;
  /** The first elements that break the rule. */
  readonly nodes: readonly string[];
}

/** What axe-core finds wrong with the page for people with disabilities, the grave part of it. */
export async function graveViolations(page: ChromiumPage): Promise<Violation[]> {
  await page.evaluate(readFileSync(join(clientPackage('axe-core'), 'axe.min.js'), 'utf8'));
  const violations = (await page.evaluate(
    `axe.run(document).then(({ violations }) => violations.map(({ id, impact, nodes }) =>
      ({ id, impact, nodes: nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)) })))`,
  )) as Violation[];
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
}

/** How far the content sticks out of the page to the right, in pixels. */
export const overhang = (page: ChromiumPage) =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth') as Promise<number>;
