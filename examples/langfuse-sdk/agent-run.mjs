/**
 * One run of an agent with an observation of every type Langfuse has. `tracing` is @langfuse/tracing.
 */
export function runAgent({ propagateAttributes, startActiveObservation }) {
  const attributes = {
    userId: 'user-1',
    sessionId: 'session-1',
    tags: ['example', 'zürich'],
    traceName: 'weather question',
    version: '1.2.3',
    metadata: { tenant: 'acme' },
  };
  return propagateAttributes(attributes, () =>
    startActiveObservation(
      'agent run',
      async (agent) => {
        agent.update({ input: { question: 'What is the weather in Zürich? ☀️' }, metadata: { attempt: 1, ratio: 0.5 } });
        for (const { name, asType, ...content } of OBSERVATIONS) {
          const observation = agent.startObservation(name, content, { asType });
          // An event ends where it starts.
          if (asType !== 'event') observation.end();
        }
        agent.update({ output: { answer: 'Sunny, 22 °C' } });
      },
      { asType: 'agent' },
    ),
  );
}

const OBSERVATIONS = [
  { name: 'prepare', asType: 'span', input: 'Zürich', output: ['Zürich', 'CH'], level: 'DEBUG' },
  {
    name: 'ask',
    asType: 'generation',
    model: 'gpt-4o',
    modelParameters: { temperature: 0.2, maxTokens: 100, stream: 'false' },
    input: [{ role: 'user', content: 'What is the weather in Zürich?' }],
    output: { role: 'assistant', content: 'Let me look.' },
    usageDetails: { input: 42, output: 7, total: 49 },
    costDetails: { total: 0.00042 },
    completionStartTime: new Date('2026-01-01T00:00:00.250Z'),
  },
  { name: 'weather', asType: 'tool', input: { city: 'Zürich' }, output: { celsius: 22 } },
  { name: 'find documents', asType: 'retriever', input: 'weather', output: [{ id: 1, score: 0.75 }] },
  { name: 'embed question', asType: 'embedding', model: 'text-embedding-3-small', usageDetails: { input: 8 } },
  { name: 'answer chain', asType: 'chain', metadata: { steps: 2 } },
  { name: 'judge answer', asType: 'evaluator', output: { score: 1 } },
  { name: 'check words', asType: 'guardrail', output: { passed: true } },
  { name: 'answer shown', asType: 'event', level: 'WARNING', statusMessage: 'late' },
];
