import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface LockedPackage {
  bin?: Record<string, string>;
  version?: string;
  resolved?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}
type Packages = Record<string, LockedPackage>;

const root = join(__dirname, '..');
const script = join(root, 'scripts', 'complete-lock.mjs');
const scratch = mkdtempSync(join(tmpdir(), 'lock-'));
const lockPath = join(scratch, 'package-lock.json');

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const complete = () => spawnSync(process.execPath, [script, lockPath], { encoding: 'utf8' });
const directDependencies = (manifest: LockedPackage): Record<string, string> => ({
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
});
const readPackages = (path: string): Packages => JSON.parse(readFileSync(path, 'utf8')).packages;
const writeLock = (packages: Packages) => writeFileSync(lockPath, JSON.stringify({ lockfileVersion: 3, packages }));

describe.each([['.'], ['test/clients']])('the lock file of %s', (folder) => {
  const source = join(root, folder, 'package-lock.json');
  const manifest = (): LockedPackage => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const readWanted = () => directDependencies(manifest());

  test('has a node for every optional edge (else: npm run lock:complete)', () => {
    copyFileSync(source, lockPath);
    expect(complete()).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(lockPath, 'utf8')).toBe(readFileSync(source, 'utf8'));
  });

  test('names no address to download from', () => {
    const addressed = Object.entries(readPackages(source)).filter(([, { resolved }]) => resolved !== undefined);
    expect(addressed).toEqual([]);
  });

  test('stands for what package.json asks for', () => {
    const locked = readPackages(source)[''] ?? {};
    expect(directDependencies(locked)).toEqual(readWanted());
    expect(locked.bin).toEqual(manifest().bin);
  });

  test('goes with a package.json that pins exact versions', () => {
    const loose = Object.entries(readWanted()).filter(([, version]) => !/^(npm:.+@)?\d+\.\d+\.\d+$/.test(version));
    expect(loose).toEqual([]);
  });
});

describe('completing a lock file', () => {
  const asker = { version: '1.0.0', optionalDependencies: { '@x/core-linux-arm64-musl': '1.2.3' } };
  const musl = { version: '1.2.3', cpu: ['arm64'], libc: ['musl'], optional: true, os: ['linux'] };
  const other = { version: '9.9.9', optional: true };

  test.each<[name: string, before: Packages, added: Packages]>([
    ['at the root', { 'node_modules/a': asker }, { 'node_modules/@x/core-linux-arm64-musl': musl }],
    [
      'as a development package where the asking one is',
      { 'node_modules/a': { ...asker, dev: true } },
      { 'node_modules/@x/core-linux-arm64-musl': { ...musl, dev: true } },
    ],
    [
      'for production where both kinds ask',
      { 'node_modules/a': { ...asker, dev: true }, 'node_modules/b': asker },
      { 'node_modules/@x/core-linux-arm64-musl': musl },
    ],
    [
      'below the asking package where the root has another version',
      { 'node_modules/a': asker, 'node_modules/@x/core-linux-arm64-musl': other },
      { 'node_modules/a/node_modules/@x/core-linux-arm64-musl': musl },
    ],
    [
      'without libc where the name has none',
      { 'node_modules/a': { optionalDependencies: { 'a-darwin-x64': '2.0.0' } } },
      { 'node_modules/a-darwin-x64': { version: '2.0.0', cpu: ['x64'], optional: true, os: ['darwin'] } },
    ],
    [
      'not where a parent has it',
      { 'node_modules/a/node_modules/b': asker, 'node_modules/a/node_modules/@x/core-linux-arm64-musl': musl },
      {},
    ],
    [
      'not where a range is met by what npm chose',
      { 'node_modules/a': { optionalDependencies: { fs: '^2.3.3' } }, 'node_modules/fs': other },
      {},
    ],
  ])('adds a missing package %s', (_name, before, added) => {
    writeLock(before);
    expect(complete()).toMatchObject({ status: 0, stderr: '' });
    expect(readPackages(lockPath)).toEqual({ ...before, ...added });
  });

  test('sorts by key and changes nothing the second time', () => {
    writeLock({ 'node_modules/b': asker, 'node_modules/a': asker });
    complete();
    const first = readFileSync(lockPath, 'utf8');
    complete();
    expect(readFileSync(lockPath, 'utf8')).toBe(first);
    const keys = ['node_modules/@x/core-linux-arm64-musl', 'node_modules/a', 'node_modules/b'];
    expect(Object.keys(readPackages(lockPath))).toEqual(keys);
  });

  test.each<[name: string, wants: Record<string, string>, complaint: string]>([
    ['a range without a node', { 'a-linux-x64': '^1.0.0' }, 'wants a-linux-x64@^1.0.0'],
    ['a name that tells no platform', { fast: '1.0.0' }, 'fast does not say for which platform'],
  ])('stops at %s and leaves the file alone', (_name, optionalDependencies, complaint) => {
    writeLock({ 'node_modules/a': { optionalDependencies } });
    const before = readFileSync(lockPath, 'utf8');
    const { status, stderr } = complete();
    expect(status).toBe(1);
    expect(stderr).toContain(complaint);
    expect(readFileSync(lockPath, 'utf8')).toBe(before);
  });
});
