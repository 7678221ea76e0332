// Installs what the tests in test/clients need: other generations of the OpenTelemetry and Langfuse clients, which
// cannot share the project's own dependency tree. Does nothing while the installed tree is that of the lock file.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runNpm } from './npm.mjs';

const folder = join(import.meta.dirname, '..', 'test', 'clients');
// It lies in node_modules, which `npm ci` removes first: an installation that broke off leaves no stamp behind.
const stampPath = join(folder, 'node_modules', '.installed-lock-sha256');

const wanted = createHash('sha256')
  .update(readFileSync(join(folder, 'package-lock.json')))
  .digest('hex');
const installed = existsSync(stampPath) ? readFileSync(stampPath, 'utf8') : '';
if (installed !== wanted) {
  console.log('Installing the test clients (test/clients) ..');
  runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, inherit: true });
  writeFileSync(stampPath, wanted);
}
