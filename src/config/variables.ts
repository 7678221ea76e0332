import { createFindings, type Findings, KNOWN, refuse, take } from './findings';
import { readSecretFile } from './secret-file';

/** Every variable the gateway reads, `_FILE` twins and lower-case proxies included. */
export const ENVIRONMENT_VARIABLES: readonly string[] = [...KNOWN.values()].flatMap(({ env, secret }) => {
  if (!env) return [];
  if (isProxy(env)) return [env, env.toLowerCase()];
  return secret ? [env, `${env}_FILE`] : [env];
});

/** What the Langfuse SDKs of various languages read instead of LANGFUSE_BASE_URL. */
const FOREIGN_BASE_URLS = ['LANGFUSE_HOST', 'LANGFUSE_BASEURL'];

/** Reads all settings the environment gives. `referenced`: names the file's `${env:NAME}` use, which are nobody's slip. */
export function readVariables(options: { env: NodeJS.ProcessEnv; referenced: ReadonlySet<string> }): Findings {
  const { env, referenced } = options;
  const findings = createFindings();
  for (const [key, { env: name, secret }] of KNOWN) {
    if (!name) continue;
    // The variables speak of the first destination.
    const place = { key, path: key.replace('[]', '[0]') };
    const raw = variable(env, isProxy(name) ? name.toLowerCase() : name) ?? variable(env, name);
    const file = secret ? variable(env, `${name}_FILE`) : undefined;
    if (raw !== undefined && file !== undefined) {
      refuse(findings, { ...place, origin: name, wrong: [`and ${name}_FILE are both set; keep one of them`] });
    } else if (file !== undefined) {
      readSecretFile(findings, { ...place, origin: `${name}_FILE`, file });
    } else if (raw !== undefined) {
      take(findings, { ...place, origin: name, raw });
    }
  }
  findings.warnings.push(...unknownVariables(env, referenced), ...foreignBaseUrls(env));
  return findings;
}

/** An empty variable counts as unset: compose files and charts cannot leave a variable out. */
export function variable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return Object.hasOwn(env, name) && env[name] !== '' ? env[name] : undefined;
}

function isProxy(name: string): boolean {
  return name.endsWith('_PROXY');
}

function unknownVariables(env: NodeJS.ProcessEnv, referenced: ReadonlySet<string>): string[] {
  const ours = ENVIRONMENT_VARIABLES.filter((name) => name.startsWith('GATEWAY_'));
  return Object.keys(env)
    .filter((name) => name.startsWith('GATEWAY_') && !ours.includes(name) && !referenced.has(name))
    .map((name) => {
      const near = ours.find((known) => differsByAtMost({ edits: 2, from: name, to: known }));
      return `${name} is not a variable of the gateway and has no effect${near ? `; did you mean ${near}?` : ''}`;
    });
}

function foreignBaseUrls(env: NodeJS.ProcessEnv): string[] {
  if (variable(env, 'LANGFUSE_BASE_URL') !== undefined) return [];
  return FOREIGN_BASE_URLS.filter((name) => variable(env, name) !== undefined).map(
    (name) => `${name} is not read; the address of Langfuse is LANGFUSE_BASE_URL`,
  );
}

/** Levenshtein distance, given up as soon as it is exceeded: names are short, and only slips of the finger are meant. */
function differsByAtMost({ edits, from, to }: { edits: number; from: string; to: string }): boolean {
  if (from === '' || to === '') return Math.max(from.length, to.length) <= edits;
  if (from[0] === to[0]) return differsByAtMost({ edits, from: from.slice(1), to: to.slice(1) });
  if (edits === 0) return false;
  const rest = { edits: edits - 1 };
  return (
    differsByAtMost({ ...rest, from: from.slice(1), to }) ||
    differsByAtMost({ ...rest, from, to: to.slice(1) }) ||
    differsByAtMost({ ...rest, from: from.slice(1), to: to.slice(1) })
  );
}
