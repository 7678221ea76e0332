import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import { close } from './listening';
import {
  codeOf,
  explained,
  isListening,
  latestOwner,
  type OwnerInfo,
  ownerFolder,
  RECORD,
  readOwner,
  SOCKET,
  withSocketPath,
} from './owner-client';
import { realFiles } from './queue/files';

const ATTEMPTS_MAX = 20;
const FULL_CODES = ['ENOSPC', 'EDQUOT', 'EFBIG'];

interface ClaimOptions {
  /** Made when it is not there. */
  directory: string;
  /** Serves what `askOwner` asks, from before the claim is granted until it is released. */
  handler: RequestListener;
  about: OwnerInfo;
  /** Hexadecimal digits, another time others. */
  randomName: () => string;
}

export interface Claim {
  /** Tells others something else than before, for example an `adminUrl` that was not known yet. */
  publish(about: OwnerInfo): Promise<void>;
  /** Ends the connections that are still open too. */
  release(): Promise<void>;
}

export class DirectoryHeldError extends Error {
  /** @param holder `undefined` when what it says of itself cannot be read. */
  constructor(readonly holder: OwnerInfo | undefined) {
    super(
      `the data directory is held by another gateway${holder === undefined ? '' : ` (${describe(holder)})`}; end it, or set GATEWAY_DATA_DIR to another one`,
    );
    this.name = 'DirectoryHeldError';
  }
}

const describe = ({ pid, startedAt, adminUrl }: OwnerInfo) =>
  `pid ${pid}, since ${startedAt}${adminUrl === undefined ? '' : `, admin at ${adminUrl}`}`;

/**
 * Makes this process the one owner of a data directory, until it releases it or ends in whatever way.
 *
 * Owners are numbered. Each has a folder, `owner-7`, with a socket on which it listens as long as its process lives. Whoever
 * finds the latest owner dead becomes the next by moving a folder of its own, in which it listens already, to the next
 * number: that name can be had only once. So the folder of the latest owner stays where it is, also when it is dead or has
 * released the directory: without it a latecomer, who looked at it long ago, could still take the next number.
 * Machines that share a network file system do not see each other's sockets: there nothing keeps a second owner away.
 *
 * @throws DirectoryHeldError when a living process owns it; an error for operators when it cannot be used.
 */
export async function claimDirectory(options: ClaimOptions): Promise<Claim> {
  const { directory } = options;
  try {
    await realFiles.makeDirectory(directory);
    // It may be there without its name being durable: whoever made it may not have come to its sync.
    await realFiles.syncDirectory(dirname(resolve(directory))).catch(() => {});
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const claim = await tryToClaim(options);
      if (claim !== undefined) return claim;
    }
  } catch (error) {
    throw explained(error, directory);
  }
  throw new Error(
    `the data directory ${directory} changes hands again and again: are gateways started on it all the time?`,
  );
}

/** `undefined` when another one was faster. */
async function tryToClaim(options: ClaimOptions): Promise<Claim | undefined> {
  const { directory, handler, about, randomName } = options;
  const latest = await latestOwner(directory);
  if (latest > 0) await refuseIfLiving(ownerFolder(directory, latest));
  const entrance = join(directory, `owner-new-${randomName()}`);
  const place = ownerFolder(directory, latest + 1);
  const pipe = process.platform === 'win32' ? `\\\\.\\pipe\\langfuse-otlp-gateway-${randomName()}` : undefined;
  const write = (folder: string, told: OwnerInfo) => writeRecord(folder, { ...told, pipe }, randomName());
  const server = createServer(handler);
  let isOwner = false;
  await mkdir(entrance, { mode: 0o700 });
  try {
    await listenIn(entrance, server, pipe);
    await write(entrance, about).catch((error) => {
      // A queue can make room on a full disk, if it may start: the socket is what counts, the record only tells of it.
      if (pipe !== undefined || !FULL_CODES.includes(codeOf(error))) throw error;
    });
    isOwner = await becomes(entrance, directory, latest + 1);
  } catch (error) {
    // Before anybody listens in it, an owner that cleans up may remove the entrance.
    if (codeOf(error) !== 'ENOENT' && existsSync(entrance)) throw error;
  } finally {
    if (!isOwner) {
      await close(server);
      await rm(entrance, { recursive: true, force: true });
    }
  }
  if (!isOwner) return undefined;
  await removeLeftovers(directory, latest + 1);
  return {
    async publish(told) {
      await write(place, told).catch((error) => {
        throw explained(error, directory);
      });
    },
    async release() {
      await close(server);
      // The server knows the socket by the name that it had first.
      await rm(join(place, SOCKET), { force: true });
    },
  };
}

async function refuseIfLiving(folder: string): Promise<void> {
  const { info, socket } = await readOwner(folder);
  if (await isListening(folder, socket)) throw new DirectoryHeldError(info);
}

async function listenIn(folder: string, server: Server, pipe: string | undefined): Promise<void> {
  await withSocketPath(folder, pipe ?? SOCKET, async (path) => {
    // Instead of a worker of node:cluster the first process would listen, and may end before the worker.
    server.listen({ path, exclusive: true });
    await once(server, 'listening');
  });
  if (pipe === undefined) await chmod(join(folder, SOCKET), 0o600);
}

/** Replaces it at once: whoever reads it finds all of the old or all of the new one. */
async function writeRecord(folder: string, record: OwnerInfo & { pipe: string | undefined }, name: string) {
  const written = join(folder, `${RECORD}.${name}`);
  await writeFile(written, `${JSON.stringify(record)}\n`, { flag: 'wx', mode: 0o600 });
  await rename(written, join(folder, RECORD));
}

/** Whether the one who listens in the entrance is now the owner of this number, and of none that is in the past. */
async function becomes(entrance: string, directory: string, number: number): Promise<boolean> {
  try {
    // Fails when there is such a folder: an owner's is never empty.
    await rename(entrance, ownerFolder(directory, number));
  } catch (error) {
    // Each system has its own codes for it.
    if ((await latestOwner(directory)) >= number) return false;
    throw error;
  }
  // Reading a directory may miss a folder that comes in the meantime, and who has missed the latest owner is here with a
  // number of the past.
  return (await latestOwner(directory)) === number;
}

/** What dead owners and beginners have left. What cannot be removed does no harm, and the next owner tries again. */
async function removeLeftovers(directory: string, ownNumber: number): Promise<void> {
  const names = await readdir(directory).catch((): string[] => []);
  for (const name of names) {
    const [, number, beginner] = /^owner-(?:(\d+)|(new-.+))$/.exec(name) ?? [];
    if (beginner === undefined && !(Number(number) < ownNumber)) continue;
    const folder = join(directory, name);
    try {
      const { socket } = await readOwner(folder);
      if (!(await isListening(folder, socket))) await rm(folder, { recursive: true });
    } catch {}
  }
}
