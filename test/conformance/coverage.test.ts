import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { literalCases, rowIds } from '../support/literal-cases';

/** Rows that this version cannot show, or that ask for nothing of a gateway. */
const NOT_SHOWN: Readonly<Record<string, string>> = {
  A20: 'HTTP/2 without TLS is optional, and not offered',
  L11: 'a socket in the file system is optional, and not offered',
};

/** Rows that tests of other folders show: file and a part of the test's name. */
const SHOWN_ELSEWHERE: Readonly<Record<string, readonly [file: string, test: string]>> = {
  A19: ['receiver/tls.test.ts', 'A19 HTTP/1.1, whether the client offers it alone, with HTTP/2 or not at all'],
  F07: ['end-to-end/browser-keys.test.ts', 'F07 over the rate of spans: 429'],
  K04: ['end-to-end/browser-keys.test.ts', 'a path that is not allowed'],
  K09: ['receiver/tls.test.ts', 'K09 clients with certificates'],
  M05: ['delivery/dispatcher.test.ts', 'what could not be delivered in the longest time is a dead letter'],
  M06: [
    'end-to-end/full-queue.test.ts',
    '503 with Retry-After and a Status in the encoding of the request, and nothing is dropped',
  ],
  M07: ['end-to-end/delivery.test.ts', 'one bad span among 200 costs one span'],
  M08: ['end-to-end/delivery.test.ts', 'a Langfuse behind a proxy that takes small bodies only'],
  M09: ['end-to-end/trouble.test.ts', '429 with Retry-After %s: nothing is sent before'],
  M10: ['end-to-end/delivery.test.ts', 'a partial success: the number it names is not delivered'],
  M11: ['delivery/langfuse-client.test.ts', 'a page as the answer'],
  M12: ['end-to-end/fairness.test.ts', 'two destinations, one of which fails'],
  M13: ['gateway.test.ts', 'delivers what is queued first, and says that nothing is left'],
};

const LITERAL = 'literal-cases.test.ts';
const files = readdirSync(__dirname).filter((file) => file.endsWith('.test.ts') && file !== 'coverage.test.ts');
const literalIds = new Set(literalCases.map(({ id }) => id));

/** Ids at the beginning of the strings of a file: the names of tests and of the rows of their tables. */
function idsIn(file: string): Set<string> {
  const text = readFileSync(join(__dirname, file), 'utf8');
  return new Set(
    [...text.matchAll(/['"`]((?:[A-N]\d\d(?=[ '"`]) ?)+)/g)].flatMap(([, ids = '']) => ids.trim().split(' ')),
  );
}

/** The files whose hand-written tests show a row. */
const handWritten = new Map(
  rowIds.map((id) => [id, files.filter((file) => file !== LITERAL && idsIn(file).has(id))] as const),
);

/** The places that account for a row, each once. */
function placesOf(id: string): string[] {
  return [
    ...(literalIds.has(id) ? [LITERAL] : (handWritten.get(id) ?? [])),
    ...(id in NOT_SHOWN ? ['NOT_SHOWN'] : []),
    ...(id in SHOWN_ELSEWHERE ? ['SHOWN_ELSEWHERE'] : []),
  ];
}

test('the table has 320 rows, and each is accounted for in exactly one place', () => {
  expect(rowIds).toHaveLength(320);
  const others = rowIds.map((id) => [id, ...placesOf(id)]).filter((row) => row.length !== 2);
  expect(others).toEqual([]);
});

test('the further tests of a row that carries its request stand in one file', () => {
  const scattered = [...handWritten].filter(([id, found]) => literalIds.has(id) && found.length > 1);
  expect(scattered).toEqual([]);
});

test('every id that a test is named after is a row', () => {
  expect(files.flatMap((file) => [...idsIn(file)]).filter((id) => !rowIds.includes(id))).toEqual([]);
  expect(Object.keys({ ...NOT_SHOWN, ...SHOWN_ELSEWHERE }).filter((id) => !rowIds.includes(id))).toEqual([]);
});

test.each(Object.entries(SHOWN_ELSEWHERE))('%s is shown by %j', (_, [file, name]) => {
  expect(readFileSync(join(__dirname, '..', file), 'utf8')).toContain(name);
});
