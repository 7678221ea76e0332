import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where the packages of the test clients are, Playwright and the bundler among them. */
export function clientPackage(name: string): string {
  const folder = join(CLIENT_PACKAGES, name);
  if (!existsSync(folder)) throw new Error('The test clients are not installed: npm run test:clients:install');
  return folder;
}
export const CLIENT_PACKAGES = join(__dirname, '../clients/node_modules');

/** What is used here of playwright-core, which is not among the project's own dependencies. */
export interface Chromium {
  newContext(options?: ContextOptions): Promise<ChromiumContext>;
  close(): Promise<void>;
}
export interface ContextOptions {
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
  reducedMotion?: 'reduce';
  httpCredentials?: { username: string; password: string };
}
export interface ChromiumContext {
  newPage(): Promise<ChromiumPage>;
  close(): Promise<void>;
}
/** What is on a page, looked for until it is there. */
export interface ChromiumLocator {
  filter(by: { hasText: string | RegExp }): ChromiumLocator;
  locator(selector: string): ChromiumLocator;
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): ChromiumLocator;
  getByText(text: string | RegExp): ChromiumLocator;
  first(): ChromiumLocator;
  nth(index: number): ChromiumLocator;
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  check(): Promise<void>;
  press(key: string): Promise<void>;
  focus(): Promise<void>;
  count(): Promise<number>;
  waitFor(options?: { state: 'visible' | 'hidden' | 'attached' | 'detached' }): Promise<void>;
  textContent(): Promise<string | null>;
  allTextContents(): Promise<string[]>;
  getAttribute(name: string): Promise<string | null>;
  evaluate<Result>(run: (element: never) => Result): Promise<Result>;
}
export interface ChromiumPage {
  on(event: 'console', listener: (message: { text(): string }) => void): void;
  on(event: 'pageerror', listener: (error: Error) => void): void;
  on(event: 'request', listener: (request: { url(): string }) => void): void;
  once(event: 'close', listener: (page: ChromiumPage) => void): void;
  goto(url: string): Promise<unknown>;
  evaluate<Argument>(run: ((argument: Argument) => unknown) | string, argument?: Argument): Promise<unknown>;
  getByRole: ChromiumLocator['getByRole'];
  getByText: ChromiumLocator['getByText'];
  getByLabel(text: string | RegExp): ChromiumLocator;
  readonly keyboard: { press(key: string): Promise<void> };
  click(selector: string): Promise<void>;
  locator(selector: string): ChromiumLocator;
  screenshot(options?: { path: string }): Promise<Buffer>;
  close(options?: { runBeforeUnload: boolean }): Promise<void>;
}
interface Playwright {
  chromium: {
    launch(options: { executablePath: string; headless: boolean; chromiumSandbox: boolean }): Promise<Chromium>;
  };
}

/** Starts a browser without a window, with a profile of its own that is removed when it is closed. */
export function launchChromium(): Promise<Chromium> {
  const { chromium } = require(join(clientPackage('playwright-core'), 'index.js')) as Playwright;
  return chromium.launch({
    executablePath: findChromium(),
    headless: true,
    // Root cannot have it.
    chromiumSandbox: process.getuid?.() !== 0,
  });
}

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'msedge'];
const MAC_PLACES = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const WINDOWS_FOLDERS = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'];
const WINDOWS_PLACES = ['Google/Chrome/Application/chrome.exe', 'Microsoft/Edge/Application/msedge.exe'];

/** The executable that the variable CHROMIUM names, or else the first Chromium, Chrome or Edge in the usual places. */
function findChromium(): string {
  const given = process.env.CHROMIUM ?? '';
  const found = (given === '' ? usualPlaces() : [given]).find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(
    given === ''
      ? 'These tests need Chromium or Chrome. Install it (Debian: apt-get install chromium), or name its executable in the variable CHROMIUM.'
      : `The variable CHROMIUM names ${given}, which cannot be run.`,
  );
}

function usualPlaces(): string[] {
  const { PATH = '' } = process.env;
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const onPath = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, `${name}${suffix}`)));
  const onWindows = WINDOWS_FOLDERS.flatMap((name) => process.env[name] ?? []).flatMap((folder) =>
    WINDOWS_PLACES.map((place) => join(folder, place)),
  );
  return [...onPath, ...MAC_PLACES, ...onWindows];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
