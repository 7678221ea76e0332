import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { dataDirectory, deadLettersIn } from '../data-directory';
import { createKeeper } from '../dead-letter-keeper';
import { isLetterId } from '../dead-letters/letter';
import type { DeadLetterStore } from '../dead-letters/store';
import { GatewayError } from '../errors';
import { explained } from '../owner-client';
import { printLetter, printLetters, printLettersAsJson } from './dead-letter-views';

export type DeadLettersRequest =
  | { action: 'list'; json: boolean }
  | { action: 'show'; id: string }
  /** Without IDs: all. */
  | { action: 'replay'; ids: readonly string[] }
  | { action: 'drop'; ids: readonly string[] };

/** What the words behind `dead-letters` ask for, or what is wrong with them. */
export function readDeadLettersRequest(words: readonly string[], json: boolean): DeadLettersRequest | string {
  const [action, ...ids] = words;
  if (json && action !== 'list') return '--json goes with dead-letters list only';
  if (action === 'list') return ids.length === 0 ? { action, json } : 'dead-letters list takes no ID';
  if (action === 'show') return ids.length === 1 ? { action, id: ids[0]! } : 'dead-letters show takes one ID';
  if (action === 'replay') return { action, ids };
  if (action === 'drop') return ids.length > 0 ? { action, ids } : 'dead-letters drop takes the IDs of what to drop';
  return 'dead-letters takes one of list, show, replay, drop';
}

interface DeadLettersOptions {
  /** GATEWAY_DATA_DIR. It is not made when it is not there. */
  dataDir: string;
  /** Prints a line of what was asked for. */
  out: (line: string) => void;
  /** Writes to whoever runs it; line ends are in the text. */
  err: (text: string) => void;
  /** Somebody watches what `err` writes. */
  isTerminal: boolean;
}

/** Resolves to the exit code: 1 when something of what was asked for was not done. */
export async function deadLetters(request: DeadLettersRequest, options: DeadLettersOptions): Promise<number> {
  let complaints = 0;
  const complain = (text: string) => {
    complaints++;
    options.err(`${text}\n`);
  };
  const context = { ...options, store: deadLettersIn(options.dataDir), complain };
  if (options.isTerminal && !existsSync(options.dataDir)) {
    // Who watches may be in the wrong place: `./data` is another one in each folder. For a program there is just nothing.
    options.err(`there is no data directory at ${resolve(options.dataDir)} (GATEWAY_DATA_DIR)\n`);
  }
  try {
    if (request.action === 'list') await list(request.json, context);
    else if (request.action === 'show') await show(request.id, context);
    else await handle(request, context);
  } catch (error) {
    complain((explained(error, options.dataDir) as Error).message);
  }
  return complaints === 0 ? 0 : 1;
}

interface Context extends DeadLettersOptions {
  store: Pick<DeadLetterStore, 'ids' | 'list' | 'read'>;
  complain: (text: string) => void;
}

function list(json: boolean, { store, out, complain }: Context): Promise<void> {
  const print = json ? printLettersAsJson : printLetters;
  return print({ store, out, onDamaged: ({ message }) => complain(message) });
}

async function show(id: string, { store, out, complain, dataDir }: Context): Promise<void> {
  const found = await store.read(id);
  if (found === undefined) return complain(unknown(id));
  try {
    printLetter(found, join(dataDirectory(dataDir).deadLetters, `${id}.otlp`), out);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    complain(`${id}: ${id}.otlp is no OTLP request (${error.message})`);
  }
}

const unknown = (id: string) => `${isLetterId(id) ? id : JSON.stringify(id)}: there is no such dead letter`;

/** From so many letters on, whoever waits is told how far it is. */
const MANY = 10;

async function handle(request: Extract<DeadLettersRequest, { ids: unknown }>, context: Context): Promise<void> {
  const { store, complain, dataDir, out, err, isTerminal } = context;
  const there = new Set(await store.ids());
  const asked = request.ids.length === 0 ? there : new Set(request.ids);
  for (const id of asked) if (!there.has(id)) complain(unknown(id));
  const ids = [...asked].filter((id) => there.has(id));
  // The last line of the terminal: wiped before anything else is written there.
  const progress = isTerminal && ids.length >= MANY ? (text: string) => err(`\r\x1b[K${text}`) : () => {};
  const keeper = createKeeper(dataDir);
  let waiting = 0;
  try {
    for (const [index, id] of ids.entries()) {
      progress(`${index} of ${ids.length}`);
      const handled = await keeper[request.action](id);
      progress('');
      if ('problem' in handled) complain(`${id}: ${handled.problem}`);
      else if ('isDropped' in handled) out(`${id}  dropped`);
      else {
        out(`${id}  ${handled.spans} span(s) queued`);
        if (handled.isWaiting) waiting += handled.spans;
      }
    }
  } finally {
    await keeper.close();
  }
  if (waiting > 0)
    out(
      `no gateway owns the data directory: ${waiting} span(s) are queued and leave when one starts that has their destination`,
    );
}
