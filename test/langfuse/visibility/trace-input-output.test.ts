import { observe } from '../../../src/langfuse/observation/observation';
import { showTraceInputOutput } from '../../../src/langfuse/visibility/trace-input-output';
import { kvlist } from '../../support/span-builder';
import { TestDraft, type VisibleGiven } from '../../support/visibility-draft';

const TRACE_IN = 'langfuse.trace.input';
const TRACE_OUT = 'langfuse.trace.output';
const IN = 'langfuse.observation.input';
const OUT = 'langfuse.observation.output';
const KEPT_IN = 'langfuse.observation.metadata.otel.traceInput';
const KEPT_OUT = 'langfuse.observation.metadata.otel.traceOutput';
const PARENT = { parentSpanId: 'eee19b7ec3c1b173' };

const rows: [name: string, given: VisibleGiven, written: Record<string, unknown>][] = [
  ['none', { attributes: { input: 'i' } }, {}],
  ['empty ones', { attributes: { [TRACE_IN]: '', [TRACE_OUT]: null } }, {}],
  ['both on a bare root', { attributes: { [TRACE_IN]: 'i', [TRACE_OUT]: 'o' } }, { [IN]: 'i', [OUT]: 'o' }],
  ['one side on a bare root', { attributes: { [TRACE_OUT]: 'o' } }, { [OUT]: 'o' }],
  ['a map', { attributes: { [TRACE_IN]: kvlist({ a: 1 }) } }, { [IN]: '{"a":1}' }],
  ['a number', { attributes: { [TRACE_IN]: 0 } }, { [IN]: '0' }],
  ['on a child', { ...PARENT, attributes: { [TRACE_IN]: 'i', [TRACE_OUT]: 'o' } }, { [KEPT_IN]: 'i', [KEPT_OUT]: 'o' }],
  ['on a child that says the same', { ...PARENT, attributes: { [TRACE_IN]: 'i', [IN]: 'i' } }, {}],
  ['what the observation has too', { attributes: { [TRACE_IN]: 'i', input: 'i' } }, {}],
  ['what the observation has otherwise', { attributes: { [TRACE_IN]: 'i', input: 'x' } }, { [KEPT_IN]: 'i' }],
  [
    'one side is there under another name, which would be hidden',
    { attributes: { [TRACE_OUT]: 'o', input: 'i' } },
    { [IN]: 'i', [OUT]: 'o' },
  ],
  [
    'one side is there, and the trace’s differs',
    { attributes: { [TRACE_IN]: 'ti', [TRACE_OUT]: 'o', input: 'i' } },
    { [IN]: 'i', [OUT]: 'o', [KEPT_IN]: 'ti' },
  ],
  ['one side is Langfuse’s own', { attributes: { [TRACE_OUT]: 'o', [IN]: 'i' } }, { [OUT]: 'o' }],
  ['an empty input of the sender counts', { attributes: { [TRACE_IN]: 'i', [IN]: '' } }, { [KEPT_IN]: 'i' }],
  [
    'messages on one side only',
    { attributes: { [TRACE_OUT]: 'o', 'gen_ai.prompt.0.content': 'q' } },
    { [IN]: '[{"content":"q"}]', [OUT]: 'o' },
  ],
  [
    'messages in events',
    { attributes: { [TRACE_OUT]: 'o' }, events: [{ name: 'gen_ai.user.message', attributes: { content: 'q' } }] },
    { [IN]: '[{"role":"user","content":"q"}]', [OUT]: 'o' },
  ],
  [
    'in a scope with a rule of its own',
    { scope: { name: 'ai' }, attributes: { [TRACE_OUT]: 'o', 'ai.prompt': 'q' } },
    { [IN]: 'q', [OUT]: 'o' },
  ],
];

const MAX = 4 * 1024 * 1024;

test('a text that is too long is cut, and says so', () => {
  const draft = new TestDraft({ attributes: { [TRACE_IN]: '😀'.repeat(MAX), [TRACE_OUT]: 'x'.repeat(MAX) } });
  showTraceInputOutput(draft);
  const once = { ...draft.span.attributes };
  const note = ` [left out: ${MAX + 64} characters]`;
  expect(once[IN] === '😀'.repeat(MAX / 2 - 32) + note).toBe(true);
  expect(once[OUT] === once[TRACE_OUT]).toBe(true);
  showTraceInputOutput(draft);
  expect(Object.keys(draft.span.attributes)).toEqual(Object.keys(once));
});

test('nothing is moved where the other side would be cut', () => {
  const attributes = { input: '\0'.repeat(MAX + 1), [TRACE_OUT]: 'o' };
  const draft = new TestDraft({ attributes });
  showTraceInputOutput(draft);
  showTraceInputOutput(draft);
  expect({ ...draft.span.attributes, input: '' }).toEqual({ ...attributes, input: '', [KEPT_OUT]: 'o' });
});

test.each(rows)('%s', (_name, given, written) => {
  const draft = new TestDraft(given);
  const before = observe(draft.span);
  showTraceInputOutput(draft);
  expect({ ...draft.span.attributes }).toEqual({ ...given.attributes, ...written });
  showTraceInputOutput(draft);
  expect({ ...draft.span.attributes }).toEqual({ ...given.attributes, ...written });
  const after = observe(draft.span);
  expect([before.input, written[IN]]).toContain(after.input);
  expect([before.output, written[OUT]]).toContain(after.output);
});

/** What Langfuse finds for the other side goes on to be found, tools and all. */
test('tool definitions are still put into an input that was written out', () => {
  const attributes = {
    'gen_ai.input.messages': '[{"role":"user","content":"q"}]',
    'gen_ai.tool.definitions': '[{"name":"t"}]',
  };
  const before = observe(new TestDraft({ attributes }).span).input;
  const draft = new TestDraft({ attributes: { ...attributes, [TRACE_OUT]: 'o' } });
  showTraceInputOutput(draft);
  expect(observe(draft.span)).toMatchObject({ input: before, output: 'o' });
});
