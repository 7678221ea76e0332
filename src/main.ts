#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { check } from './commands/check';
import { readDataDir } from './commands/data-dir';
import { type DeadLettersRequest, deadLetters, readDeadLettersRequest } from './commands/dead-letters';
import { type ExplainRequest, explain, readExplainRequest } from './commands/explain';
import { serve } from './commands/serve';
import { environment, loadConfig } from './config';
import { NAME, VERSION } from './version';

/** Within this time of the first signal another is the same wish: Ctrl-C reaches npm, which passes it on, and us. */
const SAME_SIGNAL_MS = 500;

/** A start that is to end may take so long. */
const START_MS = 5_000;

/** Exit codes of every command. */
const FINE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

const DEAD_LETTERS = 'dead-letters';
const EXPLAIN = 'explain';
/** Commands with words and help of their own. */
const WITH_WORDS = [DEAD_LETTERS, EXPLAIN];

const HELP: Record<string, string> = {
  '': `usage: ${NAME} [COMMAND] [OPTIONS]

commands:
  serve          receive OTLP over HTTP and deliver it to Langfuse (default)
  check          validate the configuration and print all its mistakes
  explain        show how Langfuse will read a request
  dead-letters   list, show, replay or drop what could not be delivered

options:
  --config FILE   YAML configuration; environment variables win over it
  -h, --help      of a command too: ${NAME} check --help
  --version

Settings are environment variables: docs/configuration.md lists them.
Without LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY spans are only shown, at http://127.0.0.1:4319/.`,
  serve: `usage: ${NAME} [serve] [--config FILE]

Receives OTLP/HTTP at http://127.0.0.1:4318/v1/traces and delivers it to Langfuse.
SIGTERM or SIGINT: refuses what comes, delivers what it can, leaves the rest on disk, ends; with a queue in memory it
exits 1 if spans were left. A later second one: ends at once.`,
  check: `usage: ${NAME} check [--config FILE]

Prints every mistake of the configuration, one per line, and exits 1; or what would be served, and exits 0.`,
  [EXPLAIN]: `usage: ${NAME} explain FILE|- [--json] [--config FILE]

Reads the body of an OTLP request, JSON or protobuf, compressed or not, from FILE or standard input (-), and prints each
span as Langfuse will show it, what the gateway repairs and warns of, and what it rejects. Nothing is sent or kept.
  --json   {"observations":[..],"rejected":[{"index","reason"}]}
It goes by the configuration that serve would have. Exits 1 if this cannot be read as an OTLP request with spans.`,
  [DEAD_LETTERS]: `usage: ${NAME} dead-letters list [--json]
       ${NAME} dead-letters show ID
       ${NAME} dead-letters replay [ID..]
       ${NAME} dead-letters drop ID..

Looks after spans that were given up, beside a running gateway or without one.
  list     a line for each, the oldest first
  show     why it was given up, and its spans as OTLP JSON
  replay   puts these, or all, back into the queue; they are as new as on their first day
  drop     removes these for good
They lie in GATEWAY_DATA_DIR (default ./data, or what --config FILE says), ID.otlp, an OTLP request in protobuf, beside
ID.json, which says why. Exits 1 if something of what was asked for was not done.`,
};

void main(process.argv.slice(2)).then((code) => {
  // While it serves, the gateway ends by a signal.
  if (code !== undefined) process.exitCode = code;
});

async function main(argv: string[]): Promise<number | undefined> {
  const parsed = parse(argv);
  if (typeof parsed === 'string') {
    const command = WITH_WORDS.includes(argv[0] ?? '') ? `${NAME} ${argv[0]}` : NAME;
    process.stderr.write(`${NAME}: ${parsed}; see ${command} --help\n`);
    return WRONG_USAGE;
  }
  const { command, help, version, configFile } = parsed;
  if (version) return print(VERSION);
  if (help) return print(HELP[command] ?? '');
  const options = { env: environment(), ...(configFile === undefined ? {} : { configFile }) };
  if (parsed.deadLetters !== undefined) return lookAfter(parsed.deadLetters, options);
  if (parsed.explain !== undefined) return show(parsed.explain, options);
  if (command === 'check') return check({ ...options, out: print });
  const loaded = loadConfig(options);
  if ('mistakes' in loaded) {
    for (const mistake of loaded.mistakes) process.stderr.write(`${mistake}\n`);
    for (const warning of loaded.warnings) process.stderr.write(`warning: ${warning}\n`);
    process.stderr.write(`nothing was started: ${loaded.mistakes.length} mistake(s) in the configuration\n`);
    return FAILED;
  }
  return serveUntilSignal(loaded.config, loaded.warnings);
}

async function lookAfter(request: DeadLettersRequest, options: Parameters<typeof readDataDir>[0]): Promise<number> {
  const found = readDataDir(options);
  if ('mistakes' in found) {
    for (const mistake of found.mistakes) process.stderr.write(`${mistake}\n`);
    return FAILED;
  }
  allowReaderToGo();
  return deadLetters(request, {
    ...found,
    out: print,
    err: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
  });
}

function show(request: ExplainRequest, options: { env: NodeJS.ProcessEnv; configFile?: string }): Promise<number> {
  allowReaderToGo();
  return explain(request, {
    ...options,
    stdin: process.stdin,
    out: process.stdout,
    err: (text) => process.stderr.write(text),
    now: Date.now,
  });
}

/** Whoever reads the first lines and goes, as head does, does not want the rest undone. */
function allowReaderToGo(): void {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') process.exit(FAILED);
  });
}

async function serveUntilSignal(...loaded: Parameters<typeof serve>): Promise<number | undefined> {
  let serving: ReturnType<typeof serve>;
  let firstMs: number | undefined;
  let hasStarted = false;
  const onSignal = () => {
    if (firstMs !== undefined) {
      if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(FAILED);
      return;
    }
    firstMs = performance.now();
    // To read a long queue takes its time; nobody was answered yet.
    setTimeout(() => hasStarted || process.exit(FINE), START_MS).unref();
    const ended = serving.then((started) => started?.stop());
    void ended.then(
      (lost) => process.exit(lost === 0 ? FINE : FAILED),
      () => process.exit(FAILED),
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // After the handlers: whoever reads that it listens may end it in the same moment, and that must not kill it.
  serving = serve(...loaded);
  const started = await serving;
  hasStarted = true;
  return started === undefined ? FAILED : undefined;
}

interface Parsed {
  command: string;
  help: boolean;
  version: boolean;
  configFile: string | undefined;
  deadLetters: DeadLettersRequest | undefined;
  explain: ExplainRequest | undefined;
}

/** The command line, or what is wrong with it. */
function parse(argv: string[]): Parsed | string {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        version: { type: 'boolean' },
      },
    });
    const asksHelp = positionals[0] === 'help';
    const help = asksHelp || values.help === true;
    const [named, ...words] = asksHelp ? positionals.slice(1) : positionals;
    const command = named ?? (help ? '' : 'serve');
    const hasWords = WITH_WORDS.includes(command);
    if (!Object.hasOwn(HELP, command) || named === '' || (words.length > 0 && !hasWords))
      return `unknown command ${JSON.stringify(positionals.join(' '))}`;
    if (values.config === '') return '--config needs the path of a file';
    const json = values.json === true;
    if (json && !hasWords) return '--json goes with explain and dead-letters list only';
    const version = values.version === true;
    const asked = { command, help, version, configFile: values.config, deadLetters: undefined, explain: undefined };
    if (!hasWords || help || version) return asked;
    if (command === EXPLAIN) {
      const request = readExplainRequest(words, json);
      return typeof request === 'string' ? request : { ...asked, explain: request };
    }
    const request = readDeadLettersRequest(words, json);
    return typeof request === 'string' ? request : { ...asked, deadLetters: request };
  } catch (error) {
    return (error as Error).message.split('.')[0] ?? 'wrong usage';
  }
}

function print(line: string): number {
  process.stdout.write(`${line}\n`);
  return FINE;
}
