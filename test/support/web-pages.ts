import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { CLIENT_PACKAGES, clientPackage } from './chromium';

const ROOT = join(__dirname, '../..');

/** Bundles scripts for a browser, `a/b.mjs` as `b.js`. What they import is looked up among the test clients' packages too. */
export async function bundlePages(scripts: readonly string[], folder: string): Promise<void> {
  const options = ['--bundle', '--format=esm', '--target=es2022', '--entry-names=[name]', '--log-level=warning'];
  const program = join(clientPackage('esbuild'), 'bin/esbuild');
  await promisify(execFile)(process.execPath, [program, ...scripts, ...options, `--outdir=${folder}`], {
    ...{ cwd: ROOT, timeout: 60_000 },
    env: { ...process.env, NODE_PATH: CLIENT_PACKAGES },
  });
}

export interface PageServer {
  /** With the name `localhost`, so that not even the site is that of a gateway on 127.0.0.1. */
  readonly origin: string;
  listen(): Promise<void>;
  close(): Promise<void>;
}

/** A web server on loopback: `/b.js` as it was bundled, and `/b.html`, an empty page with that script. */
export function createPageServer(options: {
  scripts: readonly string[];
  bundles: string;
  /** Files that are served as they are, below the project. */
  folder: string | undefined;
}): PageServer {
  const read = readerOf(options);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = pathname === '/' ? '/index.html' : pathname;
    const content = read(path);
    if (content === undefined) return response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'image/x-icon' }).end(content);
  });
  return {
    get origin() {
      return `http://localhost:${(server.address() as AddressInfo).port}`;
    },
    listen: async () => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    },
    close: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript' };

function readerOf({ scripts, bundles, folder }: Parameters<typeof createPageServer>[0]) {
  const pages = new Map<string, () => string | Buffer>([['/favicon.ico', () => '']]);
  for (const name of scripts.map((script) => basename(script, '.mjs'))) {
    const page = `<!doctype html><title>${name}</title><script type="module" src="${name}.js"></script>`;
    pages.set(`/${name}.html`, () => page).set(`/${name}.js`, () => readFileSync(join(bundles, `${name}.js`)));
  }
  return (path: string) => {
    const file = folder === undefined ? undefined : join(ROOT, folder, path);
    return file !== undefined && existsSync(file) ? readFileSync(file) : pages.get(path)?.();
  };
}
