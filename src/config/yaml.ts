import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { expandVariables } from './expand';

export type Path = readonly (string | number)[];

export interface YamlFile {
  /** Plain values, `${env:NAME}` replaced; undefined where the text is no YAML. */
  root: unknown;
  /** The line of a key or entry, counted from 1; of the nearest thing around it where it came in through an alias. */
  lineOf(path: Path): number;
  /** Each begins with its line: `3: …`. None holds text of the file, which may be a secret in the wrong place. */
  mistakes: string[];
  warnings: string[];
  /** Names of variables the file refers to. */
  referenced: Set<string>;
}

export function readYaml(source: string, env: NodeJS.ProcessEnv): YamlFile {
  const lines = new LineCounter();
  // prettyErrors would quote the faulty line; logLevel keeps the library from writing to stderr.
  const document = parseDocument(source, { prettyErrors: false, logLevel: 'error', lineCounter: lines, merge: true });
  const line = (offset: number) => Math.max(1, lines.linePos(offset).line);
  const file: YamlFile = {
    root: undefined,
    lineOf: (path) => line(offsetOf(document, path)),
    mistakes: syntaxMistakes([...document.errors, ...document.warnings], line),
    warnings: [],
    referenced: new Set(),
  };
  if (file.mistakes.length > 0) return file;
  expandScalars(document, { env, file, line });
  try {
    file.root = document.toJS({ maxAliasCount: 100 });
  } catch {
    file.mistakes.push('1: has an alias without its anchor, or more than 100 uses of aliases; write the values out');
  }
  return file;
}

/** One mistake a line: after the first, the parser's view of that line is guesswork. */
function syntaxMistakes(errors: readonly YAMLError[], line: (offset: number) => number): string[] {
  const byLine = new Map<number, string>();
  for (const { code, pos } of errors) {
    const at = line(pos[0]);
    if (!byLine.has(at)) byLine.set(at, `${at}: ${SYNTAX.get(code) ?? `is not YAML (${code})`}`);
  }
  return [...byLine.values()];
}

/** The library's own messages quote the text, so the frequent ones are said in our words. */
const SYNTAX: ReadonlyMap<string, string> = new Map([
  ['BAD_ALIAS', 'is not YAML: a value that begins with * must be in quotes'],
  ['BAD_INDENT', 'is not YAML: the indentation fits nothing above it'],
  ['BLOCK_AS_IMPLICIT_KEY', 'is not YAML: a value that holds a colon and a blank must be in quotes'],
  ['DUPLICATE_KEY', 'gives a key that its mapping already has; keep one of them'],
  ['MISSING_CHAR', 'is not YAML: a quote, bracket or comma is missing'],
  ['MULTIPLE_DOCS', 'begins a second document; the file must be one'],
  ['TAB_AS_INDENT', 'is not YAML: indentation must be blanks, not tabs'],
  ['TAG_RESOLVE_FAILED', 'has a tag (!...) that is not known here; remove it'],
  [
    'UNEXPECTED_TOKEN',
    'is not YAML: something is out of place; inside braces and brackets, a reference to a variable must be in quotes',
  ],
]);

function expandScalars(
  document: Document,
  { env, file, line }: { env: NodeJS.ProcessEnv; file: YamlFile; line: (offset: number) => number },
): void {
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return;
      const at = line(node.range?.[0] ?? 0);
      const { text, names, unset, unreadable } = expandVariables(node.value, env);
      node.value = unreadable > 0 ? null : text;
      for (const name of names) file.referenced.add(name);
      file.warnings.push(...unset.map((name) => `${at}: \${env:${name}} is not set and has no default`));
      if (unreadable > 0) {
        file.mistakes.push(
          `${at}: has a \${...} that is not \${env:NAME} or \${env:NAME:-default}; write $\${ for a plain \${`,
        );
      }
    },
  });
}

function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (!pair) return offset;
      offset = (isScalar(pair.key) && pair.key.range?.[0]) || offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)];
      offset = rangeStart(item) ?? offset;
      node = item;
    } else {
      return offset;
    }
  }
  return offset;
}

function rangeStart(node: unknown): number | undefined {
  const ranged = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
  return ranged ? node.range?.[0] : undefined;
}
