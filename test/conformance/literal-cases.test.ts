import { type LiteralCase, literalBytes, literalCases, sendLiteral } from '../support/literal-cases';
import { LITERAL_OUTCOMES, type LiteralOutcome } from '../support/literal-outcomes';
import { CONTENT_TYPE, type Encoding, expectRefusal, expectRejected, expectSuccess } from '../support/otlp-answer';
import { arrivalOf, repairsOf } from '../support/otlp-twins';
import type { Answer } from '../support/post';
import { useGateway } from '../support/use-gateway';

const gateway = useGateway();
beforeEach(() => {
  gateway.fake.violations.length = 0;
});

test('all rows that carry a request are here', () => {
  expect(literalCases).toHaveLength(150);
});

test.each(literalCases.map((row) => [`${row.id} ${row.request}`, row] as const))('%s', async (_, row) => {
  const outcome = LITERAL_OUTCOMES[row.id] ?? {};
  const { answer, spans, rejected, repaired } = await gateway.watch(() => sendLiteral(gateway.url, row));

  expect([row.test.expect_status].flat()).toContain(answer.status);
  expect(answer.status).toBe(outcome.status ?? row.test.expect_status);
  expectations(row, outcome)(answer);
  expect(spans).toEqual(arrivals(row, outcome).map(arrivalOf));
  expect(rejected).toEqual(outcome.rejected ?? {});
  expect(repaired).toEqual({ ...repairsOf(...arrivals(row, outcome)), ...outcome.repaired });
  expect(gateway.fake.violations).toEqual([]);
});

/** What the answer must be like; which of them it is comes from the table, never from the answer. */
function expectations(row: LiteralCase, outcome: LiteralOutcome): (answer: Answer) => void {
  const status = outcome.status ?? (row.test.expect_status as number);
  const encoding = encodingOf(row);
  if (row.test.method === 'HEAD') return expectHead(status);
  if (status === 204) return expectNothing;
  if (status >= 400) return (answer) => void expectRefusal(answer, { status, encoding });
  const spans = Number(row.test.expect_rejected ?? 0);
  if (spans > 0) return (answer) => void expectRejected(answer, { encoding, spans });
  return (answer) => {
    expectSuccess(answer, encoding);
    expect(answer.body).toEqual(literalBytes(row.test.expect_body ?? { json: 'json:{}', protobuf: 'hex:' }[encoding]));
  };
}

const expectHead = (status: number) => (answer: Answer) => {
  expect(answer).toMatchObject({ status, headers: { allow: 'POST, OPTIONS' }, body: Buffer.alloc(0) });
};

function expectNothing({ headers, body }: Answer): void {
  expect(headers).not.toHaveProperty('content-type');
  expect(body).toHaveLength(0);
}

/** The request's encoding; JSON where it is unusable, sniffed or absent. */
function encodingOf({ test }: LiteralCase): Encoding {
  const stated = (Object.keys(CONTENT_TYPE) as Encoding[]).find(
    (encoding) => CONTENT_TYPE[encoding] === test.expect_ct,
  );
  const isProtobuf = ['application/x-protobuf', 'application/protobuf'].includes(test.ct ?? '');
  return stated ?? (isProtobuf ? 'protobuf' : 'json');
}

const arrivals = (row: LiteralCase, outcome: LiteralOutcome) =>
  outcome.spans ?? ((outcome.status ?? row.test.expect_status) === 200 ? [{}] : []);
