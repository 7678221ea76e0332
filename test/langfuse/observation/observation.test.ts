import { type Observation, observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, SPAN_ID, TRACE_ID } from '../../support/span-builder';

const NOTHING: Observation = {
  traceId: TRACE_ID,
  spanId: SPAN_ID,
  parentSpanId: null,
  isRoot: true,
  type: 'SPAN',
  name: 'a span',
  startTime: '2023-11-14T22:13:20.123Z',
  endTime: '2023-11-14T22:13:22.123Z',
  completionStartTime: null,
  level: 'DEFAULT',
  statusMessage: null,
  model: null,
  modelParameters: null,
  usage: null,
  cost: null,
  input: null,
  output: null,
  sessionId: null,
  userId: null,
  traceName: null,
  tags: [],
  public: false,
  environment: 'default',
  release: null,
  version: null,
  promptName: null,
  promptVersion: null,
  metadata: { 'scope.name': 'my.library' },
  repairs: [],
  warnings: [],
};

test('a span without anything has exactly the fields of the contract', () => {
  expect(observe(buildSpan())).toStrictEqual(NOTHING);
});

/** The first example of opentelemetry-proto, as Langfuse was seen to store it. */
test('a server span whose parent is elsewhere', () => {
  const span = buildSpan({
    name: "I'm a server span",
    parentSpanId: 'eee19b7ec3c1b173',
    startTime: [1_544_712_660, 0],
    endTime: [1_544_712_661, 0],
    attributes: { 'my.span.attr': 'some value' },
    resource: { 'service.name': 'my.service' },
    scope: { name: 'my.library', version: '1.0.0', attributes: { 'my.scope.attribute': 'some scope attribute' } },
  });
  expect(observe(span)).toStrictEqual({
    ...NOTHING,
    parentSpanId: 'eee19b7ec3c1b173',
    isRoot: false,
    name: "I'm a server span",
    startTime: '2018-12-13T14:51:00.000Z',
    endTime: '2018-12-13T14:51:01.000Z',
    metadata: {
      'attributes.my.span.attr': 'some value',
      'resourceAttributes.service.name': 'my.service',
      'scope.name': 'my.library',
      'scope.version': '1.0.0',
      'scope.attributes.my.scope.attribute': 'some scope attribute',
    },
  });
});

test('a chat call by the GenAI conventions', () => {
  const span = buildSpan({
    name: 'chat gpt-4o',
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.response.model': 'gpt-4o-2024-08-06',
      'gen_ai.request.temperature': 0.2,
      'gen_ai.usage.input_tokens': 120,
      'gen_ai.usage.output_tokens': 30,
      'gen_ai.input.messages': '[{"role":"user"}]',
      'gen_ai.output.messages': '[{"role":"assistant"}]',
      'user.id': 'u-1',
      'gen_ai.conversation.id': 'conv-1',
    },
    resource: { 'service.name': 'chat-svc', 'service.version': '1.2.3', 'deployment.environment.name': 'staging' },
  });
  expect(observe(span)).toMatchObject({
    type: 'GENERATION',
    name: 'chat gpt-4o',
    environment: 'staging',
    version: '1.2.3',
    model: 'gpt-4o-2024-08-06',
    modelParameters: { temperature: 0.2 },
    usage: { input: 120, output: 30 },
    userId: 'u-1',
    sessionId: 'conv-1',
    input: '[{"role":"user"}]',
    output: '[{"role":"assistant"}]',
  });
});

describe('root', () => {
  test.each([
    ['without parent', undefined, undefined, true],
    ['with an empty parent', '', undefined, true],
    ['with a parent', 'eee19b7ec3c1b173', undefined, false],
    ['with a parent, marked', 'eee19b7ec3c1b173', true, true],
    ['with a parent, marked as text', 'eee19b7ec3c1b173', 'true', true],
    ['with a parent, marked otherwise', 'eee19b7ec3c1b173', 1, false],
  ])('%s', (_name, parentSpanId, marked, expected) => {
    const span = buildSpan({ parentSpanId, attributes: { 'langfuse.internal.is_app_root': marked } });
    expect(observe(span).isRoot).toBe(expected);
  });

  test('as_root is of no use here', () => {
    const span = buildSpan({ parentSpanId: 'eee19b7ec3c1b173', attributes: { 'langfuse.internal.as_root': true } });
    expect(observe(span).isRoot).toBe(false);
  });
});

test('the span is not changed', () => {
  const attributes = {
    'langfuse.trace.tags': ['a'],
    'gen_ai.prompt.0.content': ['x'],
    'gen_ai.prompt.0.content.1': 'y',
  };
  const span = buildSpan({ attributes, events: [{ name: 'gen_ai.choice', attributes: { a: ['b'] } }] });
  const before = JSON.stringify(span);
  observe(span);
  expect(JSON.stringify(span)).toBe(before);
});
