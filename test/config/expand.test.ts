import { expandVariables } from '../../src/config/expand';

const reference = (text: string) => `\${${text}}`;

test.each([
  ['a whole value', reference('env:A'), { A: 'one' }, 'one'],
  ['inside a value', `v${reference('env:A')}-${reference('env:B')}`, { A: '1', B: '2' }, 'v1-2'],
  ['without a scheme', reference('A'), { A: 'one' }, 'one'],
  ['a default, unset', reference('env:A:-x:-y'), {}, 'x:-y'],
  ['a default, empty', reference('env:A:-x'), { A: '' }, 'x'],
  ['a default, set', reference('env:A:-x'), { A: 'one' }, 'one'],
  ['an empty default', `v${reference('env:A:-')}`, {}, 'v'],
  ['escaped', `$${reference('env:A')}`, { A: 'one' }, reference('env:A')],
  ['a dollar before it', `$$${reference('env:A')}`, { A: 'one' }, '$one'],
  ['a lone dollar', 'a$b', {}, 'a$b'],
  ['no end', 'a${b', {}, 'a${b'],
  ['dollars of the value', reference('env:A'), { A: `a$$${reference('env:B')}` }, `a$$${reference('env:B')}`],
])('%s: %s', (_, text, env, expected) => {
  expect(expandVariables(text, env)).toMatchObject({ text: expected, unset: [], unreadable: 0 });
});

test('names are told, and which of them have neither value nor default', () => {
  const text = `${reference('env:A')}${reference('env:B:-x')}${reference('env:C')}${reference('env:toString')}`;
  expect(expandVariables(text, { A: '1' })).toEqual({
    text: '1x',
    names: ['A', 'B', 'C', 'toString'],
    unset: ['C', 'toString'],
    unreadable: 0,
  });
});

test.each(['file:/etc/token', 'env:A-B', 'env:1A', '', 'env:A:-$B', 'yaml:a'])('not ours to replace: %s', (text) => {
  expect(expandVariables(reference(text), { A: '1' })).toMatchObject({ names: [], unreadable: 1 });
});
