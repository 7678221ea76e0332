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
  newContext(): Promise<ChromiumContext>;
  close(): Promise<void>;
}
export interface ChromiumContext {
  newPage(): Promise<ChromiumPage>;
}
export interface ChromiumPage {
  on(event: 'console', listener: (message: { text(): string }) => void): void;
  on(event: 'pageerror', listener: (error: Error) => void): void;
  once(event: 'close', listener: (page: ChromiumPage) => void): void;
  goto(url: string): Promise<unknown>;
  evaluate<Argument>(run: (argument: Argument) => unknown, argument: Argument): Promise<unknown>;
  click(selector: string): Promise<void>;
  locator(selector: string): { filter(by: { hasText: RegExp }): { textContent(): Promise<string | null> } };
  screenshot(): Promise<Buffer>;
  close(options: { runBeforeUnload: boolean }): Promise<void>;
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
