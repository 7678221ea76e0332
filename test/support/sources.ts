import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const ROOT = join(__dirname, '../..');

export interface Source {
  /** From the project's folder on, for example `src/otlp/scan.ts`. */
  path: string;
  text: string;
}

export interface Import {
  /** As it is written: `../errors`, `express`, `node:fs`. */
  from: string;
  /** Nothing of it is there when the program runs. */
  typeOnly: boolean;
}

export interface Measured {
  /** The line that begins it, without its indentation. */
  header: string;
  lines: number;
}

/** All TypeScript files below a folder of the project. */
export function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('node_modules'))
    .map((file) => posix.join(folder, file.replaceAll('\\', '/')))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** The text without comments, and with nothing between its quotes and in its regular expressions. */
export function codeOf(text: string): string {
  let code = '';
  let open = 0;
  /** How many braces were open where each template that is open has its `${`. */
  const templates: number[] = [];
  for (let at = 0; at < text.length; ) {
    const [token] = match(TOKEN, { text, at });
    at += token.length;
    if (token === '{') open++;
    const resumes = token === '}' && templates.at(-1) === open;
    if (token === '}' && !resumes) open--;
    code += /^\/[/*]/.test(token) ? '' : token.length > 1 ? token.charAt(0).repeat(2) : token;
    if (token !== '`' && !resumes) continue;
    if (resumes) templates.pop();
    const [chunk, end] = match(TEMPLATE_CHUNK, { text, at });
    at += chunk.length;
    code += end;
    if (end === '${') templates.push(open);
  }
  return code;
}

/** A comment, a string, a regular expression (which follows an operator or a bracket), or one character. */
const TOKEN =
  /\/\/.*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|(?<=[(,=:[!&|?{};>]\s*)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*|[\s\S]/y;
const TEMPLATE_CHUNK = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(`|\$\{)/y;

function match(pattern: RegExp, { text, at }: { text: string; at: number }): RegExpExecArray {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  if (found === null) throw new Error(`unfinished template at character ${at}`);
  return found;
}

export function importsOf({ text }: Source): Import[] {
  const declared = /^(?:import|export)\s+(type\s+)?[^;'"]*?\sfrom\s+'([^']+)'/gm;
  const others = /(typeof\s+)?\bimport\s*\(\s*'([^']+)'|\brequire\s*\(\s*'([^']+)'|^import\s+'([^']+)'/gm;
  return [
    ...[...text.matchAll(declared)].map(([, type, from]) => ({ from: from as string, typeOnly: type !== undefined })),
    ...[...text.matchAll(others)].map(([, type, dynamic, required, bare]) => ({
      from: (dynamic ?? required ?? bare) as string,
      typeOnly: type !== undefined,
    })),
  ];
}

/** The file that a relative import leads to. */
export const resolveImport = ({ path }: Source, { from }: Import): string =>
  `${posix.join(posix.dirname(path), from)}.ts`;

/**
 * Every function with a body in braces. The formatter puts the brace that ends a body under the line that begins it, so
 * that indentation tells where it ends.
 */
export function functionsOf({ text }: Source): Measured[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    if (!line.endsWith('{')) return [];
    const start = headerStart(lines, at);
    const header = lines
      .slice(start, at + 1)
      .join('\n')
      .trimStart();
    if (!isFunction(header)) return [];
    const closing = `${indentOf(line)}}`;
    const end = lines.findIndex((other, index) => index > at && other.startsWith(closing));
    return [{ header: header.split('\n')[0] as string, lines: end - start + 1 }];
  });
}

/** Parameters on lines of their own end in a line such as `): number {`. */
function headerStart(lines: readonly string[], at: number): number {
  const indent = indentOf(lines[at] as string);
  let start = at;
  while (/^\s*[)}\]]/.test(lines[start] as string) && !/^\s*\} (?:else|catch|finally)/.test(lines[start] as string)) {
    start--;
    while (indentOf(lines[start] as string) !== indent) start--;
  }
  return start;
}

const indentOf = (line: string) => (/^ */.exec(line) as RegExpExecArray)[0];

function isFunction(header: string): boolean {
  if (/\bfunction\b/.test(header) || /=>\s*\{$/.test(header)) return true;
  if (
    /^(?:\} )?(?:if|else|for|while|switch|catch|do|try|finally|return|throw|class|export class|interface)\b/.test(
      header,
    )
  ) {
    return false;
  }
  return /^(?:(?:static|async|get|set|override|private|protected|public)\s+)*\*?#?[\w$]+(?:<[^(]*>)?\([\s\S]*\)[^()]*\{$/.test(
    header,
  );
}
