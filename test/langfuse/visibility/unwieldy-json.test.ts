import { isUnwieldy } from '../../../src/langfuse/visibility/unwieldy-json';

const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const entries = (count: number) => `{${Array.from({ length: count }, (_, at) => `"k${at}":1`).join(',')}}`;

test.each([
  ['an ordinary object', '{"a":{"b":1}}'],
  ['no JSON', 'hello'],
  ['an empty text', ''],
  ['a long text that is no JSON', 'x'.repeat(1_000_000)],
  ['512 levels', nested(512)],
  ['50,000 entries', entries(50_000)],
  ['a long list, which is one entry', `{"a":[${'1,'.repeat(200_000)}1]}`],
  ['a long list of objects', `[${'{"a":1},'.repeat(100_000)}1]`],
])('%s is no trouble', (_name, text) => {
  expect(isUnwieldy(text)).toBe(false);
});

test.each([
  ['513 levels', nested(513)],
  ['lists and objects in turn', `${'[{"a":'.repeat(300)}1${'}]'.repeat(300)}`],
  ['100,000 levels', nested(100_000)],
  ['more than 50,000 entries', entries(50_001)],
  ['so many below one another', `{"a":{"b":${entries(25_001)},"c":${entries(25_000)}}}`],
])('%s are', (_name, text) => {
  expect(isUnwieldy(text)).toBe(true);
});
