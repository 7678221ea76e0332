import { T1J, T1P } from '../support/literal-cases';
import { type Container, nestedRequest, nestedValue } from '../support/nested-values';
import { type Encoding, expectRefusal, expectRejected, expectSuccess } from '../support/otlp-answer';
import { asJson, asProtobuf, jsonText, protobufBytes, requestOf, spanOf, T1 } from '../support/otlp-twins';
import { useGateway } from '../support/use-gateway';
import { asShown } from '../support/visible-span';
import { group, lenField, tag, WIRE } from '../support/wire';

const gateway = useGateway();

const KINDS = (['array', 'kvlist'] as const).flatMap((container) =>
  (['json', 'protobuf'] as const).map((encoding) => [encoding, container] as const),
);

describe.each<readonly [Encoding, Container]>(KINDS)('%s, %s', (encoding, container) => {
  test.each([1, 40, 63, 64])('G67 %i levels are kept, as JSON', async (levels) => {
    const { answer, spans } = await gateway.pass(nestedRequest(encoding, { container, levels }));
    expectSuccess(answer, encoding);
    expect(spans.map(({ attributes }) => attributes)).toEqual([
      [{ key: 'k', value: asShown(nestedValue({ container, levels })) }],
    ]);
  });

  test.each([65, 100, 1000, 4999, 5000])('G67 %i levels cost the span', async (levels) => {
    const { answer, spans, rejected } = await gateway.pass(nestedRequest(encoding, { container, levels }));
    expect(expectRejected(answer, { encoding, spans: 1 })).toContain('64');
    expect(spans).toEqual([]);
    expect(rejected).toEqual({ too_deep: 1 });
  });

  const row = { json: 'G68', protobuf: 'H16' }[encoding];
  test.each([5001, 100_000])(`${row} %i levels: 400, and the gateway lives`, async (levels) => {
    expectRefusal(await gateway.post(nestedRequest(encoding, { container, levels })), { status: 400, encoding });
    const after = { json: asJson, protobuf: asProtobuf }[encoding](requestOf(spanOf()));
    expectSuccess(await gateway.post(after), encoding);
  });
});

describe('depth in other places', () => {
  test.each([
    ['G68 lists in an unknown field', `{"future":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['G68 objects in an unknown field', `{"future":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`],
    ['G68 lists without an end', `{"resourceSpans":${'['.repeat(1_000_000)}`],
  ])('%s: 400, and the gateway lives', async (_, text) => {
    const answer = await gateway.post({ headers: { 'content-type': 'application/json' }, body: Buffer.from(text) });
    expectRefusal(answer, { status: 400, encoding: 'json' });
    expectSuccess(await gateway.post(asJson(requestOf(spanOf()))), 'json');
  });

  test('H16 groups in an unknown field: an answer, and the gateway lives', async () => {
    const groups = Buffer.concat([
      ...Array.from({ length: 100_000 }, () => tag(99, WIRE.groupStart)),
      ...Array.from({ length: 100_000 }, () => tag(99, WIRE.groupEnd)),
    ]);
    const headers = { 'content-type': 'application/x-protobuf' };
    expectRefusal(await gateway.post({ headers, body: groups }), { status: 400, encoding: 'protobuf' });
    const few = group(99, group(98, lenField(1, 'x')));
    expectSuccess(await gateway.post({ headers, body: few }), 'protobuf');
  });

  test('G67 one deep span costs itself only, json', async () => {
    const [before, after] = ['{"resourceSpans":[', ']}'];
    const elements = [T1J, nestedRequest('json', DEEP).body, T1J].map((body) =>
      body.toString().slice(before.length, -after.length),
    );
    const { answer, spans } = await gateway.pass(jsonText(`${before}${elements}${after}`));
    expectRejected(answer, { encoding: 'json', spans: 1 });
    expect(spans).toEqual([T1, T1]);
  });

  test('G67 one deep span costs itself only, protobuf', async () => {
    // Repeated fields of requests that stand behind each other are one list.
    const body = Buffer.concat([T1P, nestedRequest('protobuf', DEEP).body, T1P]);
    const { answer, spans } = await gateway.pass(protobufBytes(body));
    expectRejected(answer, { encoding: 'protobuf', spans: 1 });
    expect(spans).toEqual([T1, T1]);
  });
});

const DEEP = { container: 'array', levels: 1000 } as const;
