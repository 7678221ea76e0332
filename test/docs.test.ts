import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REJECTIONS } from '../src/admission/admit';
import { REPAIRS } from '../src/admission/repairs';
import { WARNING_TEXTS } from '../src/admission/warnings';
import { REFUSALS } from '../src/delivery/outcome';
import { ERROR_TABLE } from '../src/errors';

const text = readFileSync(join(__dirname, '../docs/behaviour.md'), 'utf8');

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
