import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';

/** What the owner of a data directory tells of itself. */
export interface OwnerInfo {
  /** As the owner sees it: outside its container it may be another one. */
  pid: number;
  /** ISO 8601. */
  startedAt: string;
  version: string;
  adminUrl?: string;
}

/** In an owner's folder: OwnerInfo as JSON, and the name of its pipe where sockets are no files (Windows). */
export const RECORD = 'owner.json';
export const SOCKET = 'door.sock';
/** The address of a unix socket has 108 bytes on Linux, 104 on macOS; more may be cut off without an error. */
const SOCKET_PATH_BYTES_MAX = 100;
const PROBE_TIMEOUT_MS = 3_000;
const LOOKS_MAX = 5;
/** What a connection fails with when nobody listens. ENOTSOCK: in a copied directory a file may be in the socket's place. */
const NOBODY = ['ECONNREFUSED', 'ENOENT', 'ENOTSOCK', 'ENOTDIR'];
/** EAGAIN: as many wait for the owner as the kernel lets wait. ECONNRESET: it ended while we waited for it. */
const BUSY_OR_LEAVING = ['EAGAIN', 'ECONNRESET'];

export const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';

export const ownerFolder = (directory: string, number: number) => join(directory, `owner-${number}`);

/** The number of the latest owner, living or dead; 0 when there was none. */
export async function latestOwner(directory: string): Promise<number> {
  const names = await readdir(directory).catch((error) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  return Math.max(0, ...names.map((name) => Number(/^owner-(\d+)$/.exec(name)?.[1] ?? 0)));
}

/** Where an owner listens, and what it tells of itself: nothing that can be read after a crash of the machine, perhaps. */
export async function readOwner(folder: string): Promise<{ info?: OwnerInfo; socket: string }> {
  try {
    const record: unknown = JSON.parse(await readFile(join(folder, RECORD), 'utf8'));
    const { pipe, ...info } = (record ?? {}) as OwnerInfo & { pipe?: string };
    return { ...(Number.isInteger(info.pid) && { info }), socket: typeof pipe === 'string' ? pipe : SOCKET };
  } catch (error) {
    if (error instanceof SyntaxError || NOBODY.includes(codeOf(error))) return { socket: SOCKET };
    throw error;
  }
}

/**
 * Whether a process listens there. The kernel takes the connection, also for a process that is busy or stopped.
 *
 * @throws when it cannot be told, for example because the socket is another user's.
 */
export function isListening(folder: string, socket: string): Promise<boolean> {
  return withSocketPath(folder, socket, async (path) => {
    const probe = connect(path);
    try {
      return await new Promise<boolean>((answer, reject) => {
        probe.setTimeout(PROBE_TIMEOUT_MS, () => answer(true));
        probe.once('connect', () => answer(true));
        probe.once('error', (error) => {
          if (BUSY_OR_LEAVING.includes(codeOf(error))) answer(true);
          else if (NOBODY.includes(codeOf(error))) answer(false);
          else reject(error);
        });
      });
    } finally {
      probe.destroy();
    }
  });
}

/** Hands over a path to the socket that is short enough for the system, good until `use` has ended. */
export async function withSocketPath<T>(folder: string, socket: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = socket === SOCKET ? join(folder, SOCKET) : socket;
  if (isShort(path)) return use(path);
  const tooLong = () => Object.assign(new Error(`no shorter path to ${path}`), { code: 'ENAMETOOLONG' });
  const detour = await mkdtemp(join(tmpdir(), 'gateway-')).catch(() => {
    throw tooLong();
  });
  try {
    const shortcut = join(detour, 'd');
    if (!isShort(join(shortcut, SOCKET))) throw tooLong();
    await symlink(resolve(folder), shortcut);
    return await use(join(shortcut, SOCKET));
  } finally {
    await rm(detour, { recursive: true });
  }
}

const isShort = (path: string) => Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX;

const NO_DIRECTORY = 'it is not a directory: set GATEWAY_DATA_DIR to one';
const HINTS: Record<string, string> = {
  EACCES:
    'the user that the gateway runs as may not read and write it; run as that user, or set GATEWAY_DATA_DIR to another one',
  EROFS: 'its file system is read-only: set GATEWAY_DATA_DIR to a directory that can be written to',
  EEXIST: NO_DIRECTORY,
  ENOTDIR: NO_DIRECTORY,
  ENOSPC: 'its disk is full: free some space, or set GATEWAY_DATA_DIR to a directory on another disk',
  EDQUOT: 'its disk quota is used up: free some space, or set GATEWAY_DATA_DIR to a directory on another disk',
  ENAMETOOLONG: 'its path is too long: set GATEWAY_DATA_DIR to a shorter one',
};
const HINT =
  'set GATEWAY_DATA_DIR to a directory on a local disk that the gateway may write to; ' +
  'some network and host-shared file systems cannot hold sockets';

/** For operators: what the file system said, as what they can do about it. The code stays. */
export function explained(error: unknown, directory: string): unknown {
  const code = codeOf(error);
  if (code === '') return error;
  const message = `the data directory ${resolve(directory)} cannot be used (${code}): ${HINTS[code] ?? HINT}`;
  return Object.assign(new Error(message, { cause: error }), { code });
}

interface Question {
  directory: string;
  method: string;
  path: string;
  /** Sent as JSON. */
  body?: unknown;
  /** Until the whole answer is there. */
  timeoutMs: number;
}

interface Answer {
  /** `undefined` when what it says of itself cannot be read. */
  owner: OwnerInfo | undefined;
  status: number;
  /** `undefined` for an empty answer. */
  json: unknown;
}

/**
 * Asks the living owner of a data directory. `undefined` when there is none.
 *
 * @throws an error for operators when it does not answer in time or not in JSON, or when the directory cannot be read.
 */
export async function askOwner(question: Question): Promise<Answer | undefined> {
  const { directory, timeoutMs } = question;
  const signal = AbortSignal.timeout(timeoutMs);
  const latest = async () => {
    const number = await latestOwner(directory);
    return { number, folder: ownerFolder(directory, number), ...(await readOwner(ownerFolder(directory, number))) };
  };
  let asked = 0;
  // Between a look at the directory and the question another one may have taken it over.
  for (let look = 0; look < LOOKS_MAX; look++) {
    const { number, folder, info, socket } = await latest().catch((error) => {
      throw explained(error, directory);
    });
    if (number === asked) return undefined;
    asked = number;
    try {
      return { owner: info, ...(await withSocketPath(folder, socket, (path) => ask(path, question, signal))) };
    } catch (error) {
      if (NOBODY.includes(codeOf(error))) continue;
      const who = `the gateway that holds the data directory${info === undefined ? '' : ` (pid ${info.pid})`}`;
      const why = signal.aborted
        ? `within ${timeoutMs / 1000} s; whether it did what was asked is not known: list them again`
        : `as it should: ${(error as Error).message}`;
      throw new Error(`${who} did not answer ${why}`, { cause: error });
    }
  }
  return undefined;
}

async function ask(socketPath: string, { method, path, body }: Question, signal: AbortSignal) {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asking = request({ socketPath, method, path, headers, agent: false, signal }, resolve);
    asking.once('error', reject);
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const content = await text(answer);
  const json: unknown = content === '' ? undefined : JSON.parse(content);
  return { status: answer.statusCode ?? 0, json };
}
