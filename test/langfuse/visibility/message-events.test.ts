import { observe } from '../../../src/langfuse/observation/observation';
import { spellOutMaps } from '../../../src/langfuse/visibility/message-events';
import { kvlist } from '../../support/span-builder';
import { TestDraft, type VisibleGiven } from '../../support/visibility-draft';

const choice = (message: unknown) => ({ name: 'gen_ai.choice', attributes: { index: 0, message } });
const details = (attributes: Record<string, unknown>) => ({
  ...{ name: 'gen_ai.client.inference.operation.details', attributes },
});

function spelt(given: VisibleGiven) {
  const draft = new TestDraft(given);
  spellOutMaps(draft);
  const once = { ...draft.span.attributes };
  spellOutMaps(draft);
  expect({ ...draft.span.attributes }).toEqual(once);
  const { input, output } = observe(draft.span);
  return { written: Object.keys(once).length, input, output };
}

test.each<[string, VisibleGiven, string, string]>([
  [
    'a map in a choice',
    { events: [{ name: 'gen_ai.user.message', attributes: { content: 'q' } }, choice(kvlist({ content: 'a' }))] },
    '[{"role":"user","content":"q"}]',
    '{"index":0,"message":{"content":"a"}}',
  ],
  ['a mixed list', { events: [choice([1, 'a', null])] }, '', '{"index":0,"message":[1,"a",null]}'],
  ['an empty list', { events: [choice([])] }, '', '{"index":0,"message":[]}'],
  ['bytes', { events: [choice(new Uint8Array([1, 2]))] }, '', '{"index":0,"message":"AQI="}'],
  [
    'operation details',
    { events: [details({ 'gen_ai.input.messages': [kvlist({ role: 'user' })], 'gen_ai.output.messages': 'a' })] },
    '[{"role":"user"}]',
    'a',
  ],
])('%s', (_name, given, input, output) => {
  expect(spelt(given)).toEqual({ written: 2, input, output });
});

test.each<[string, VisibleGiven]>([
  ['plain values', { events: [choice('a'), choice(['a', 'b'])] }],
  ['a map that is not read', { events: [details({ 'gen_ai.input.messages': 'q', x: kvlist({}) })] }],
  ['another event', { events: [{ name: 'log', attributes: { x: kvlist({}) } }] }],
  ['a map that would have to be cut', { events: [choice(kvlist({ a: 'x'.repeat(5_000_000) }))] }],
])('%s: nothing is written', (_name, given) => {
  expect(spelt(given).written).toBe(0);
});

test('what the sender says of input and output counts', () => {
  const attributes = { 'langfuse.observation.input': 'i' };
  expect(spelt({ events: [choice(kvlist({}))], attributes })).toEqual({ written: 1, input: 'i', output: null });
});
