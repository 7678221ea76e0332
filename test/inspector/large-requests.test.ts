import { eventually } from '../support/eventually';
import { startInspecting } from '../support/inspecting';
import { numberedSpans, TRACE_ID } from '../support/trace-request';

const SPANS = 4_500;

test.each(['metadata', 'full'] as const)(
  '%s: of a large request each span is kept, with its own notes',
  async (mode) => {
    const { inspector, keepSpans, observations } = startInspecting({ mode });
    const [last] = numberedSpans(1, { from: SPANS, attributes: { 'langfuse.observation.prompt.name': 'p' } });
    await keepSpans([...numberedSpans(SPANS - 1), last!]);
    await eventually(() => expect(inspector.index.stats().spans).toBe(SPANS));
    const found = await observations(TRACE_ID);
    expect(found).toHaveLength(SPANS);
    expect(new Set(found.map(({ spanId }) => spanId)).size).toBe(SPANS);
    const warned = found.filter(({ warnings }) => warnings.includes('prompt_without_version'));
    expect(warned.map(({ name }) => name)).toEqual([last!.name]);
  },
);

test('metadata: payload is taken out of so many spans at a time, with turns for others between', async () => {
  const { inspector, keepSpans } = startInspecting({ mode: 'metadata' });
  await keepSpans(numberedSpans(SPANS));
  const counts = [inspector.index.stats().spans];
  while (counts.at(-1)! < SPANS && counts.length < 10) {
    await new Promise((resolve) => setImmediate(resolve));
    counts.push(inspector.index.stats().spans);
  }
  expect(counts).toEqual([2_000, 4_000, 4_500]);
});
