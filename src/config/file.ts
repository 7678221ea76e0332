import { readFileSync } from 'node:fs';
import { createFindings, type Findings, KNOWN, refuse, take } from './findings';
import { errorCode, readSecretFile } from './secret-file';
import { type Path, readYaml, type YamlFile } from './yaml';

export interface FileFindings extends Findings {
  /** False: the file, or a value of it, could not be read, so what it leaves unsaid is unknown. */
  readable: boolean;
  referenced: ReadonlySet<string>;
}

/** Reads the YAML configuration file; every mistake names `FILE:LINE`. Without a file there is nothing in it. */
export function readConfigFile(options: { file: string | undefined; env: NodeJS.ProcessEnv }): FileFindings {
  const { file, env } = options;
  const findings = createFindings();
  if (file === undefined) return { ...findings, readable: true, referenced: new Set() };
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    findings.mistakes.push(`${file}: cannot be read (${errorCode(error)}); it must be a readable YAML file`);
    return { ...findings, readable: false, referenced: new Set() };
  }
  const yaml = readYaml(source, env);
  findings.mistakes.push(...yaml.mistakes.map((mistake) => `${file}:${mistake}`));
  findings.warnings.push(...yaml.warnings.map((warning) => `${file}:${warning}`));
  walk({ findings, yaml, file }, { path: [], raw: yaml.root });
  return { ...findings, readable: yaml.mistakes.length === 0, referenced: yaml.referenced };
}

interface Walk {
  findings: Findings;
  yaml: YamlFile;
  file: string;
}

interface Place {
  path: Path;
  raw: unknown;
}

function walk(context: Walk, place: Place): void {
  // Nothing, or a variable that is not set, says nothing.
  if (place.raw === null || place.raw === undefined || place.raw === '') return;
  const key = keyOf(place.path);
  if (KNOWN.get(key)?.inFile || TWINS.has(key)) {
    walkSetting(context, place);
  } else if (LISTS.has(key)) {
    walkList(context, place);
  } else if (GROUPS.has(key)) {
    walkGroup(context, place);
  } else {
    mistake(
      context,
      place.path,
      `is not a setting; known here: ${GROUPS.get(keyOf(place.path.slice(0, -1)))!.join(', ')}`,
    );
  }
}

function walkGroup(context: Walk, { path, raw }: Place): void {
  if (!isMapping(raw)) {
    refusePart(context, path, 'must be a mapping (name: value)');
    return;
  }
  for (const [name, value] of Object.entries(raw)) walk(context, { path: [...path, name], raw: value });
}

function walkList(context: Walk, { path, raw }: Place): void {
  if (!Array.isArray(raw)) {
    refusePart(context, path, 'must be a list (- name: value)');
    return;
  }
  for (const [index, entry] of raw.entries()) {
    const entryPath = [...path, index];
    // Kept even when it says nothing, so that an entry without keys is missed by somebody.
    context.findings.values.set(nameOf(entryPath), { origin: originOf(context, entryPath) });
    walkGroup(context, { path: entryPath, raw: entry ?? {} });
  }
}

function walkSetting({ findings, ...context }: Walk, { path, raw }: Place): void {
  const isTwin = TWINS.has(keyOf(path));
  const own = (name: string) => (isTwin ? name.replace(/File$/, '') : name);
  const given = { key: own(keyOf(path)), path: own(nameOf(path)), origin: originOf(context, path), raw };
  if (findings.values.has(given.path)) {
    refuse(findings, { ...given, wrong: ['is given both by itself and by a file; keep one of them'] });
  } else if (!isTwin) {
    take(findings, given);
  } else if (typeof raw !== 'string') {
    refuse(findings, { ...given, wrong: ['must be the path of a file'] });
  } else {
    readSecretFile(findings, { ...given, file: raw });
  }
}

function mistake(context: Walk, path: Path, wrong: string): void {
  context.findings.mistakes.push(`${originOf(context, path)} ${wrong}`);
}

/** Nothing can be said of what it should have held. */
function refusePart(context: Walk, path: Path, wrong: string): void {
  refuse(context.findings, { path: nameOf(path), origin: originOf(context, path), wrong: [wrong] });
}

function originOf({ yaml, file }: Omit<Walk, 'findings'>, path: Path): string {
  return `${file}:${yaml.lineOf(path)}: ${nameOf(path) || 'the file'}`;
}

/** `destinations[0].baseUrl`; what does not look like a name may be a secret with its colon lost, and is not repeated. */
function nameOf(path: Path): string {
  const names = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return OWN_WORDS.has(step) || /^[A-Za-z_]{1,24}\d{0,2}$/.test(step) ? `.${step}` : '.(unnamed)';
  });
  return names.join('').replace(/^\./, '');
}

/** The key in the tables: as `nameOf`, without indices. A dotted name in the file is no path, and no key has one. */
function keyOf(path: Path): string {
  return nameOf(path).replace(/\[\d+\]/g, '[]');
}

function isMapping(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

const IN_FILE = [...KNOWN].filter(([, { inFile }]) => inFile);

/** Whatever their length. */
const OWN_WORDS: ReadonlySet<string> = new Set(IN_FILE.flatMap(([key]) => key.split(/[.[\]]+/)));

const TWINS: ReadonlySet<string> = new Set(IN_FILE.filter(([, { secret }]) => secret).map(([key]) => `${key}File`));

const LISTS: ReadonlySet<string> = new Set(
  IN_FILE.flatMap(([key]) => (key.includes('[]') ? [key.slice(0, key.indexOf('[]'))] : [])),
);

/** Each mapping of the file (the whole file is `''`) with the names it may hold. */
const GROUPS: ReadonlyMap<string, readonly string[]> = groupsOf([...IN_FILE.map(([key]) => key), ...TWINS]);

function groupsOf(keys: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const key of keys) {
    const steps = key.split('.');
    for (const [depth, step] of steps.entries()) {
      const group = steps.slice(0, depth).join('.');
      const name = step.replace('[]', '');
      const names = groups.get(group) ?? [];
      if (!names.includes(name)) groups.set(group, [...names, name]);
    }
  }
  return groups;
}
