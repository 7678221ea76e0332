// Completes npm lock files: `node scripts/complete-lock.mjs [package-lock.json ..]`.
//
// A package with native parts lists one optional dependency per platform. Where a registry lacks some of them,
// `npm install` leaves their nodes out of the lock but keeps the edges to them, and `npm ci` then stops with
// "Missing: … from lock file" (npm/cli#9846). This script adds the missing nodes. It knows no hashes and no
// addresses, so it writes none: npm fetches such a node only on the platform that `os`, `cpu` and `libc` name.
// A second run changes nothing.
import { readFileSync, writeFileSync } from 'node:fs';

const EXACT_VERSION = /^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/;
const SYSTEMS = new Set([
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]);
const PROCESSORS = new Set([
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
]);
const LIBRARIES = new Map([
  ['gnu', 'glibc'],
  ['gnueabihf', 'glibc'],
  ['musl', 'musl'],
  ['musleabihf', 'musl'],
]);

try {
  const paths = process.argv.slice(2);
  for (const path of paths.length > 0 ? paths : ['package-lock.json']) completeFile(path);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

function completeFile(path) {
  const before = readFileSync(path, 'utf8');
  const lock = JSON.parse(before);
  if (lock.lockfileVersion !== 3) throw new Error(`${path}: lock file version ${lock.lockfileVersion}, expected 3`);
  const added = addMissingNodes(lock.packages, path);
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
  const after = `${JSON.stringify(lock, null, 2)}\n`;
  if (after !== before) writeFileSync(path, after);
  console.log(`${path}: ${added} optional package(s) added`);
}

/** Adds a node for each optional edge that leads nowhere, and returns how many. */
function addMissingNodes(packages, path) {
  let added = 0;
  // What production asks for comes first: a node that a development package created would carry `dev`, and
  // `npm ci --omit=dev` would then leave it out for both.
  const askers = Object.entries(packages).sort(([, a], [, b]) => Number(a.dev ?? false) - Number(b.dev ?? false));
  for (const [location, asker] of askers) {
    for (const [name, wanted] of Object.entries(asker.optionalDependencies ?? {})) {
      const found = resolve(packages, location, name);
      const exact = EXACT_VERSION.test(wanted);
      // Whether a found version lies in a range is npm's own business; it put that node there.
      if (found && (!exact || found.version === wanted)) continue;
      if (found && location === '')
        throw new Error(`${path}: ${name}@${found.version} is not the ${wanted} of package.json`);
      if (!exact) {
        throw new Error(
          `${path}: ${location || 'the project'} wants ${name}@${wanted}: no node, and a range names none`,
        );
      }
      // One of another version above stays for whoever asked for it; the new one goes below the asking package.
      const parent = found ? `${location}/` : '';
      packages[`${parent}node_modules/${name}`] = createNode({ name, version: wanted, asker, path });
      added += 1;
    }
  }
  return added;
}

/** Looks a name up as Node does: below the asking package, then below each of its parents, up to the root. */
function resolve(packages, location, name) {
  for (let folder = location; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const found = packages[`${folder && `${folder}/`}node_modules/${name}`];
    if (found || folder === '') return found;
  }
}

/** The keys stand in npm's own order, so that a later `npm install` moves nothing. */
function createNode({ name, version, asker, path }) {
  const words = name.split('/').at(-1).split('-');
  const system = words.find((word) => SYSTEMS.has(word));
  const processor = words.find((word) => PROCESSORS.has(word));
  const library = LIBRARIES.get(words.at(-1));
  if (!processor || (!system && processor !== 'wasm32')) {
    throw new Error(`${path}: the name ${name} does not say for which platform it is`);
  }
  return {
    version,
    cpu: [processor],
    ...(asker.dev && { dev: true }),
    ...(asker.devOptional && { devOptional: true }),
    ...(library && { libc: [library] }),
    optional: true,
    ...(system && { os: [system] }),
  };
}
