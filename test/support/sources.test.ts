import { codeOf, functionsOf, importsOf, resolveImport } from './sources';

/** The measures behind test/tidy.test.ts: a guard that measures nothing finds nothing. */
const source = (text: string) => ({ path: 'src/a/b.ts', text });

test.each([
  ["import { a } from '../errors';", '../errors', false],
  ["import type { a } from 'express';", 'express', true],
  ["import a, { type B } from 'express';", 'express', false],
  ["import {\n  a,\n  b,\n} from './c';", './c', false],
  ["import * as a from 'a';", 'a', false],
  ["import 'side-effect';", 'side-effect', false],
  ["export { a } from './a';", './a', false],
  ["export type * from './a';", './a', true],
  ["const a = await import('zstddec');", 'zstddec', false],
  ["type A = typeof import('a');", 'a', true],
  ["const a = require('a');", 'a', false],
])('%j imports %s', (text, from, typeOnly) => {
  expect(importsOf(source(`const before = 1;\n${text}\nconst after = 'from';\n`))).toEqual([{ from, typeOnly }]);
});

test.each([
  ['./c', 'src/a/c.ts'],
  ['../errors', 'src/errors.ts'],
  ['../d/e', 'src/d/e.ts'],
])('%s leads to %s', (from, path) => {
  expect(resolveImport(source(''), { from, typeOnly: false })).toBe(path);
});

test.each([
  ['/** any */\nconst a = 1; // any', '\nconst a = 1; '],
  ["const url = 'http://x'; f(a);", "const url = ''; f(a);"],
  ['const a = "it\'s"; b();', 'const a = ""; b();'],
  ["const a = 'a\\'b'; b();", "const a = ''; b();"],
  ['// it is not\nconst a = `any`;', '\nconst a = ``;'],
  ['const a = /["\'`/]\\/"/.test(b); // c', 'const a = //.test(b); '],
  ['const a = b / c / d; f(/x/g);', 'const a = b / c / d; f(//);'],
  ['const a = `x$' + '{b({ c: `$' + "{d}' // no`, e })}y`; f();", 'const a = `$' + '{b({ c: `$' + '{d}`, e })}`; f();'],
])('of %j is code: %j', (text, code) => {
  expect(codeOf(text)).toBe(code);
});

test('functions are measured from their header to their closing brace', () => {
  const text = `
class A extends B {
  readonly #x = 1;

  constructor(
    readonly a: string,
    private b: number,
  ) {
    super();
  }

  async method<T>(a: T): Promise<Map<string, T>> {
    if (a) {
      return b;
    } else {
      c();
    }
    for (const d of e) {
      f();
    }
  }

  get #private(): number {
    return 1;
  }
}

export function plain({ a, b }: { a: string; b: string }): void {
  const arrow = (c: number) => {
    return c;
  };
  try {
    arrow(1);
  } catch (error) {
    throw error;
  }
  switch (a) {
    case 'a':
      break;
  }
}

export function long(
  a: string,
  { b }: {
    b: number;
  },
): { c: number } {
  return { c: b };
}

const object = {
  shorthand(a: string) {
    return a;
  },
};

interface C {
  d(): void;
}
`;
  expect(functionsOf(source(text))).toEqual([
    { header: 'constructor(', lines: 6 },
    { header: 'async method<T>(a: T): Promise<Map<string, T>> {', lines: 10 },
    { header: 'get #private(): number {', lines: 3 },
    { header: 'export function plain({ a, b }: { a: string; b: string }): void {', lines: 14 },
    { header: 'const arrow = (c: number) => {', lines: 3 },
    { header: 'export function long(', lines: 8 },
    { header: 'shorthand(a: string) {', lines: 3 },
  ]);
});
