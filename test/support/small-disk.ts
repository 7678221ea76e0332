import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { putAway, putBack } from './queue-files';
import { makeTemporary, removeTemporary } from './temporary';

export interface SmallDisk {
  /** How it was had, for the output of a test. */
  kind: string;
  /** For GATEWAY_DATA_DIR of a program that runs `under` this. */
  dataDir: string;
  under(): readonly string[];
  /** From now on the process finds little room; has to be called where the disk is a limit of the process. */
  tighten(pid: number): void;
  /** There is room again; where the disk is a real one, room comes back with what is removed from it. */
  loosen(pid: number): void;
  /** Somebody else takes what is left. */
  fillUp(): void;
  /** Nothing can be written while it is set. No file may be open for writing when it begins. */
  setReadOnly(isReadOnly: boolean): void;
  remove(): Promise<void>;
}

const SIZE = '6m';

/** The first of the kinds that this machine allows. Throws when it allows none. */
export async function makeSmallDisk(): Promise<SmallDisk> {
  const folder = makeTemporary();
  const disk = mountAsRoot(folder) ?? (await mountInNamespace(folder)) ?? limitWrites(folder);
  if (disk !== undefined) return disk;
  removeTemporary(folder);
  throw new Error(
    'a full disk cannot be shown here: this user may not mount a tmpfs (root or CAP_SYS_ADMIN), there are no user ' +
      'namespaces to mount one in (unshare), and no prlimit of util-linux that could let writes fail',
  );
}

const run = ([command = '', ...args]: readonly string[]) => {
  const { status, error, stderr } = spawnSync(command, args);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
};
const fails = ([command = '', ...args]: readonly string[]) => spawnSync(command, args).status !== 0;
const tmpfsAt = (folder: string) => ['mount', '-t', 'tmpfs', '-o', `size=${SIZE},mode=0700`, 'tmpfs', folder];
const remount = (folder: string, isReadOnly: boolean) => [
  ...['mount', '-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, folder],
];
/** Ends with a failure, when no byte is left. */
const fillUp = (folder: string) => ['dd', 'if=/dev/zero', `of=${folder}/other`, 'bs=4096'];
const NO_LIMITS = { tighten: () => {}, loosen: () => {} };

function mountAsRoot(folder: string): SmallDisk | undefined {
  if (fails(tmpfsAt(folder))) return undefined;
  return {
    kind: `a tmpfs of ${SIZE}`,
    ...{ dataDir: `${folder}/data`, under: () => [], ...NO_LIMITS },
    fillUp: () => void fails(fillUp(folder)),
    setReadOnly: (isReadOnly) => run(remount(folder, isReadOnly)),
    async remove() {
      run(['umount', folder]);
      removeTemporary(folder);
    },
  };
}

/** The mount lasts as long as a process that does nothing else holds the namespace. */
async function mountInNamespace(folder: string): Promise<SmallDisk | undefined> {
  const namespace = ['--user', '--map-root-user', '--mount'];
  if (fails(['unshare', ...namespace, ...tmpfsAt(folder)])) return undefined;
  const script = `${tmpfsAt(folder).join(' ')} && echo mounted && exec sleep 3600`;
  const holder = spawn('unshare', [...namespace, 'sh', '-c', script]);
  await once(holder.stdout, 'data');
  const enter = ['nsenter', '--preserve-credentials', '--user', '--mount', '-t', String(holder.pid)];
  return {
    kind: `a tmpfs of ${SIZE} in a user namespace`,
    ...{ dataDir: `${folder}/data`, under: () => enter, ...NO_LIMITS },
    fillUp: () => void fails([...enter, ...fillUp(folder)]),
    setReadOnly: (isReadOnly) => run([...enter, ...remount(folder, isReadOnly)]),
    async remove() {
      holder.kill('SIGKILL');
      await once(holder, 'close');
      removeTemporary(folder);
    },
  };
}

function limitWrites(folder: string): SmallDisk | undefined {
  if (fails(['prlimit', '--version'])) return undefined;
  const limit = (pid: number, bytes: string) => run(['prlimit', '--pid', String(pid), `--fsize=${bytes}:`]);
  let isTight = false;
  return {
    kind: 'no mounts allowed: a limit of 0 on the size of files (EFBIG)',
    dataDir: `${folder}/data`,
    // A page is what a gateway needs to say that the directory is its own.
    under: () => (isTight ? ['prlimit', '--fsize=4096:'] : []),
    tighten(pid) {
      isTight = true;
      limit(pid, '0');
    },
    loosen(pid) {
      isTight = false;
      limit(pid, 'unlimited');
    },
    fillUp() {},
    // A file in its place is no directory to write to (ENOTDIR).
    setReadOnly: (isReadOnly) => (isReadOnly ? putAway(`${folder}/data/queue`) : putBack(`${folder}/data/queue`)),
    remove: async () => removeTemporary(folder),
  };
}
