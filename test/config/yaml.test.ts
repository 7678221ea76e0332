import { readYaml } from '../../src/config/yaml';
import { containing, mistakesOf } from '../support/configuration';

const reference = (text: string) => `\${${text}}`;

test.each<[name: string, yaml: string, parts: string[]]>([
  ['a tab', 'receiver:\n\tport: 1', ['2: is not YAML: indentation must be blanks']],
  ['a lost quote', 'receiver: { host: "a }', ['1: is not YAML: a quote, bracket or comma is missing']],
  ['the same key twice', 'admin: {}\nadmin: {}', ['2: gives a key that its mapping already has']],
  ['a star without quotes', 'receiver: { corsOrigins: [*] }', ['1: is not YAML: a value that begins with *']],
  ['a reference in braces', `admin: { token: ${reference('A')} }`, ['1: is not YAML: something is out of place']],
  ['a colon in a value', 'admin:\n  token: a: b', ['2: is not YAML: a value that holds a colon']],
  ['two documents', 'admin: {}\n---\nadmin: {}', ['2: begins a second document']],
  ['an unknown tag', 'admin: !secret {}', ['1: has a tag']],
  ['an escape nobody knows', 'admin: { token: "\\q" }', ['1: is not YAML (BAD_DQ_ESCAPE)']],
  ['an alias without anchor', 'admin: *nothing', ['1: has an alias without its anchor']],
  [
    'aliases that multiply',
    `a: &a [x]\nb: [${'*a,'.repeat(101)}]`,
    ['1: has an alias without its anchor, or more than 100'],
  ],
  ['two mistakes, two lines', 'a: "\\q"\nb: "\\q"', ['1: is not YAML', '2: is not YAML']],
])('%s', (_, yaml, parts) => {
  expect(mistakesOf({}, yaml)).toEqual(containing(parts.map((part) => `gateway.yaml:${part}`)));
});

test('a reference that cannot be replaced is a mistake of its own and hides no other', () => {
  const yaml = `admin:\n  token: ${reference('file:/etc/token')}\n  port: x\n  host: 10.0.0.1\n`;
  expect(mistakesOf({}, yaml)).toEqual(
    containing([
      `gateway.yaml:2: has a ${reference('...')} that is not ${reference('env:NAME')}`,
      'gateway.yaml:3: admin.port',
    ]),
  );
});

test('a file that is no YAML hides no mistake of the environment and is not taken for an empty one', () => {
  const env = { PORT: 'x', HOST: '0.0.0.0', LANGFUSE_PUBLIC_KEY: 'pk' };
  expect(mistakesOf(env, 'a: [')).toEqual(containing(['PORT must be', 'gateway.yaml:1: is not YAML']));
});

test('lines of keys, entries and what came in through an alias', () => {
  const { lineOf } = readYaml('a: &a\n  b: 1\nc:\n  - d\n  - e: 2\nf: *a\ng:\n  <<: *a\n', {});
  expect(lineOf(['a', 'b'])).toBe(2);
  expect(lineOf(['c', 1, 'e'])).toBe(5);
  expect(lineOf(['f', 'b'])).toBe(2);
  expect(lineOf(['g', 'b'])).toBe(7);
  expect(lineOf(['nowhere'])).toBe(1);
});
