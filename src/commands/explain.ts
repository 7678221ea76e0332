import { createReadStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ENVIRONMENT_VARIABLES, type LoadedConfig, loadConfig } from '../config';
import { GatewayError } from '../errors';
import { createJudge } from '../judge';
import type { Judgement } from '../judgement';
import { observe } from '../langfuse/observation/observation';
import { type Stamps, stamp } from '../langfuse/stamp';
import { ReceivedSpan } from '../otlp/received-span';
import { type ScannedSpan, scanRequest } from '../otlp/scan';
import { SpanReader } from '../otlp/span-index';
import { foreignRequest, readBody } from './explain-body';
import { asJson, asText, oneLine } from './explain-views';
import type { Explained } from './explained';

export interface ExplainRequest {
  /** `-`: standard input. */
  file: string;
  json: boolean;
}

/** What the words behind `explain` ask for, or what is wrong with them. */
export function readExplainRequest(words: readonly string[], json: boolean): ExplainRequest | string {
  const [file = '', ...more] = words;
  if (file === '' || more.length > 0) return 'explain takes one FILE, or - for standard input';
  return { file, json };
}

interface ExplainOptions {
  env: NodeJS.ProcessEnv;
  configFile?: string;
  stdin: Readable;
  /** Not ended. */
  out: Writable;
  /** Writes to whoever runs it; line ends are in the text. */
  err: (text: string) => void;
  /** Milliseconds since the epoch: when the request came. */
  now: () => number;
}

/** Where spans go when no destination is configured. */
const PREVIEW = 'preview';

/** Prints how Langfuse will read a request. Resolves to the exit code: 1 when it cannot be read at all. */
export async function explain({ file, json }: ExplainRequest, options: ExplainOptions): Promise<number> {
  const loaded = readConfig(options);
  if ('mistakes' in loaded) {
    for (const mistake of loaded.mistakes) options.err(`${mistake}\n`);
    return 1;
  }
  const { config } = loaded;
  try {
    const body = await readBody(file === '-' ? options.stdin : createReadStream(file), config.receiver.bodyMaxBytes);
    const [destination] = config.destinations;
    const { judge } = createJudge({ ...config, now: options.now });
    const judgement = await judge({ ...body, destination: destination?.name ?? PREVIEW }).catch((error) => {
      throw foreignRequest(body) ?? error;
    });
    // In JSON what was rejected is a span by its place; in protobuf any record can be read as one.
    const mayBeForeign = judgement.accepted === 0 && (body.format === 'protobuf' || judgement.rejections.length === 0);
    const foreign = mayBeForeign ? foreignRequest(body) : undefined;
    if (foreign !== undefined) throw foreign;
    const explained = explainedOf(judgement, destination ?? {});
    await pipeline(json ? asJson(explained) : asText(explained), options.out, { end: false });
    return 0;
  } catch (error) {
    // Whoever reads the first lines and goes, as head does, has what it wanted.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 0;
    options.err(`${file === '-' ? 'standard input' : oneLine(file)}: ${reason(error)}\n`);
    return 1;
  }
}

/**
 * The configuration, which has to be right in what this command needs: a variable that is a mistake and says where to
 * listen or what to keep counts as not set.
 */
function readConfig({ env, configFile }: ExplainOptions): LoadedConfig {
  const options = configFile === undefined ? {} : { configFile };
  const loaded = loadConfig({ env, ...options });
  if ('config' in loaded) return loaded;
  const isMistaken = (name: string) => loaded.mistakes.some((mistake) => mistake.includes(name));
  const passedOver = new Set(ENVIRONMENT_VARIABLES.filter((name) => !isNeeded(name) && isMistaken(name)));
  const rest = Object.fromEntries(Object.entries(env).filter(([name]) => !passedOver.has(name)));
  return loadConfig({ env: rest, ...options });
}

const isNeeded = (name: string) =>
  name.startsWith('LANGFUSE_') || name === 'GATEWAY_CONFIG' || name === 'GATEWAY_BODY_MAX_BYTES';

function explainedOf({ bytes, rejections, notes }: Judgement, stamps: Stamps): Explained {
  const reader = new SpanReader(bytes);
  const read = (scanned: ScannedSpan) => new ReceivedSpan(reader, scanned);
  return {
    ...{ spans: scanRequest(bytes, { check: false }).spans, rejections, read },
    observe(scanned) {
      const span = read(scanned);
      stamp(span, stamps);
      return { ...observe(span), ...notes(scanned.ordinal) };
    },
  };
}

const FILE_TROUBLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'this is a folder',
  EACCES: 'this file may not be read',
};

function reason(error: unknown): string {
  if (error instanceof GatewayError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return FILE_TROUBLE[code] ?? `this cannot be read (${code})`;
}
