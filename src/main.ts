#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { check } from './commands/check';
import { serve } from './commands/serve';
import { environment, loadConfig } from './config';
import { NAME, VERSION } from './version';

/** Exit codes of every command. */
const FINE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

const HELP: Record<string, string> = {
  '': `usage: ${NAME} [COMMAND] [OPTIONS]

commands:
  serve   receive OTLP over HTTP and deliver it to Langfuse (default)
  check   validate the configuration and print all its mistakes

options:
  --config FILE   YAML configuration; environment variables win over it
  --help          of a command too: ${NAME} check --help
  --version

Settings are environment variables: docs/configuration.md lists them.
Without LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY spans are only shown, at http://127.0.0.1:4319/api/traces.`,
  serve: `usage: ${NAME} [serve] [--config FILE]

Receives OTLP/HTTP at http://127.0.0.1:4318/v1/traces and delivers it to Langfuse.
SIGTERM or SIGINT: refuses what comes, delivers what is queued, ends. A second one: ends at once.`,
  check: `usage: ${NAME} check [--config FILE]

Prints every mistake of the configuration, one per line, and exits 1; or what would be served, and exits 0.`,
};

void main(process.argv.slice(2)).then((code) => {
  // While it serves, the gateway ends by a signal.
  if (code !== undefined) process.exitCode = code;
});

async function main(argv: string[]): Promise<number | undefined> {
  const parsed = parse(argv);
  if (typeof parsed === 'string') {
    process.stderr.write(`${NAME}: ${parsed}; see ${NAME} --help\n`);
    return WRONG_USAGE;
  }
  const { command, help, version, configFile } = parsed;
  if (version) return print(VERSION);
  if (help) return print(HELP[command] ?? '');
  const options = { env: environment(), ...(configFile === undefined ? {} : { configFile }) };
  if (command === 'check') return check({ ...options, out: print });
  const loaded = loadConfig(options);
  if ('mistakes' in loaded) {
    for (const mistake of loaded.mistakes) process.stderr.write(`${mistake}\n`);
    process.stderr.write(`nothing was started: ${loaded.mistakes.length} mistake(s) in the configuration\n`);
    return FAILED;
  }
  const serving = await serve(loaded.config, loaded.warnings);
  if (serving === undefined) return FAILED;
  endBySignal(serving.stop);
  return undefined;
}

function endBySignal(stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = () => {
    if (stopping) process.exit(FAILED);
    stopping = true;
    void stop().then(
      () => process.exit(FINE),
      () => process.exit(FAILED),
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

interface Parsed {
  command: string;
  help: boolean;
  version: boolean;
  configFile: string | undefined;
}

/** The command line, or what is wrong with it. */
function parse(argv: string[]): Parsed | string {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { config: { type: 'string' }, help: { type: 'boolean' }, version: { type: 'boolean' } },
    });
    const [named, ...rest] = positionals;
    const command = named ?? (values.help === true ? '' : 'serve');
    if (!Object.hasOwn(HELP, command) || named === '' || rest.length > 0)
      return `unknown command ${JSON.stringify(positionals.join(' '))}`;
    return { command, help: values.help === true, version: values.version === true, configFile: values.config };
  } catch (error) {
    return (error as Error).message.split('.')[0] ?? 'wrong usage';
  }
}

function print(line: string): number {
  process.stdout.write(`${line}\n`);
  return FINE;
}
