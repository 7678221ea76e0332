import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REJECTIONS } from '../src/admission/admit';
import { REPAIRS } from '../src/admission/repairs';
import { WARNING_TEXTS } from '../src/admission/warnings';
import { REFUSALS } from '../src/delivery/outcome';
import { ERROR_TABLE } from '../src/errors';

const ROOT = join(__dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const text = read('docs/behaviour.md');

/** The cells of the first table under a heading, without its head. */
function table(heading: string): string[][] {
  const [, section = ''] = text.split(`## ${heading}\n`);
  const rows = section
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const names = (heading: string, column = 0) => table(heading).map((cells) => cells[column]!.replaceAll('`', ''));

describe('docs/behaviour.md', () => {
  test('lists every repair, and none that does not exist', () => {
    expect(names('Repairs').sort()).toEqual([...REPAIRS].sort());
  });

  test('lists every warning, in the words of the log', () => {
    const listed = table('Warnings').map(([name, text]) => [name!.replaceAll('`', ''), text]);
    expect(Object.fromEntries(listed)).toEqual(WARNING_TEXTS);
  });

  test('lists every reason for a rejection', () => {
    expect(names('Rejections').sort()).toEqual([...REJECTIONS].sort());
  });

  test('lists every reason for giving a span up', () => {
    expect(names('Given up').sort()).toEqual([...REFUSALS].sort());
  });

  test('lists every error code with its status', () => {
    const documented = table('Answers').filter(([, code]) => code !== '');
    const expected = Object.entries(ERROR_TABLE).map(([code, { http }]) => [String(http), code]);
    expect(documented.map(([status, code]) => [status, code!.replaceAll('`', '')]).sort()).toEqual(expected.sort());
  });
});

describe('commands of the pages, in a clone after npm ci', () => {
  const pages = [
    'README.md',
    ...readdirSync(join(ROOT, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
  ];
  const lines = pages.flatMap((page) =>
    [...read(page).matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
      block!.split('\n').map((line) => ({ page, line })),
    ),
  );

  test('the gateway is called where npm has linked it', () => {
    const calls = lines.filter(({ line }) => /\blangfuse-otlp-gateway (?!-)/.test(line));
    expect(calls.length).toBeGreaterThan(5);
    expect(calls.filter(({ line }) => !/\bnpx langfuse-otlp-gateway /.test(line))).toEqual([]);
  });

  test('none leaves whoever copies it in another folder', () => {
    expect(lines.filter(({ line }) => /^\s*cd /.test(line))).toEqual([]);
  });
});

test('what the README leaves to the page about invisible things is there', () => {
  expect(read('README.md')).toContain('(docs/behaviour.md#what-stays-invisible)');
  expect(text).toContain('\n### What stays invisible\n');
});
