import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { graveViolations, overhang, type Theme, useInspectorPages, type Width } from '../support/inspector-page';
import { asJson, type Fields, requestOf, spanOf } from '../support/otlp-twins';
import { post } from '../support/post';

/** Each place in both themes and at both widths: what axe-core finds, what sticks out, and a screenshot to be looked at. */

const inspector = useInspectorPages();

const TRACE = '3c1a5e0f7b924d6c8a90b1c2d3e4f506';
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const CHAT = [
  { role: 'system', content: 'You are a helpful assistant that answers questions about the weather.' },
  {
    role: 'user',
    content: 'What is the weather in Zürich, and in a town with a name of great length like Donaudampfschiff?',
  },
  { role: 'assistant', tool_calls: [{ id: 'c1', function: { name: 'weather', arguments: '{"city":"Zürich"}' } }] },
];

function span(number: number, parent: number | undefined, type: string, changes: Fields = {}): Fields {
  const id = (of: number) => of.toString(16).padStart(16, '0');
  return spanOf({
    traceId: TRACE,
    spanId: id(number),
    ...(parent === undefined ? {} : { parentSpanId: id(parent) }),
    name: `${type} number ${number}, which has a name that does not fit into narrow places`,
    startTimeUnixNano: String(1_767_225_600_000_000_000n + BigInt(number) * 100_000_000n),
    endTimeUnixNano: String(1_767_225_602_000_000_000n),
    attributes: [
      text('langfuse.observation.type', type),
      text('langfuse.observation.model.name', 'gpt-4o-2024-08-06'),
      text('langfuse.observation.usage_details', '{"input":1042,"output":207}'),
      text('langfuse.observation.cost_details', '{"total":0.0123}'),
      text('langfuse.observation.input', JSON.stringify(CHAT)),
      text('langfuse.observation.output', '{"answer":"Sunny, 22 °C.","sources":[{"name":"met","score":0.97}]}'),
      text('langfuse.observation.metadata.team', 'web'),
    ],
    ...changes,
  });
}

let fake: FakeLangfuse;
let gateway: RunningGateway;
beforeAll(async () => {
  fake = await startFakeLangfuse({ refuseSpan: ({ name }) => name.startsWith('refused') });
  gateway = await startGateway({ fake, yaml: 'inspector: full' });
  const types = ['agent', 'generation', 'tool', 'chain', 'retriever', 'evaluator', 'embedding', 'guardrail', 'event'];
  const spans = types.map((type, at) => span(at + 1, at === 0 ? undefined : Math.max(1, at - 1), type));
  const failed = { status: { code: 2, message: 'the tool did not answer within 30 seconds' } };
  const send = (...of: Fields[]) => post(`${gateway.url}/v1/traces`, asJson(requestOf(...of)));
  await send(...spans, span(20, 99, 'span', failed));
  await send(span(30, undefined, 'span', { traceId: 'bb'.repeat(16), name: 'refused by Langfuse' }));
  await send(span(31, undefined, 'span', { traceId: 'checkout-v2' }), span(32, undefined, 'span', { traceId: '' }));
  await post(`${gateway.url}/v1/trace`, asJson(requestOf(spanOf())));
  await eventually(async () => expect((await gateway.metrics()).gateway_dead_letters).toBe(1));
});
afterAll(async () => {
  await gateway?.stop();
  await fake?.close();
});

const PLACES: [place: string, hash: string, ready: RegExp][] = [
  ['overview', '#/', /^Langfuse main: delivering/],
  ['traces', '#/traces', /^refused by Langfuse$/],
  ['trace', `#/traces/${TRACE}`, /^agent number 1,/],
  ['observation', `#/traces/${TRACE}/0000000000000002`, /helpful assistant/],
  ['trouble', '#/trouble', /^1 dead letter/],
];
const LOOKS: [Theme, Width][] = [
  ['light', 'wide'],
  ['light', 'narrow'],
  ['dark', 'wide'],
  ['dark', 'narrow'],
];

describe.each(PLACES)('%s', (place, hash, ready) => {
  test.each(LOOKS)('%s, %s', async (theme, width) => {
    const { page, messages } = await inspector.open(gateway.adminUrl, { hash, theme, width });
    await page.getByText(ready).first().waitFor();
    await inspector.shoot(page, `${place}-${width}-${theme}`);
    expect(await graveViolations(page)).toEqual([]);
    expect(await overhang(page)).toBe(0);
    expect(messages).toEqual([]);
  });
});
