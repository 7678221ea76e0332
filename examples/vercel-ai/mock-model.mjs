import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';

/** A model that asks for the tool `weather` once, and answers with a sentence after that. */
export function mockModel() {
  let calls = 0;
  return new MockLanguageModelV4({
    provider: 'mock-provider',
    modelId: 'mock-model',
    doGenerate: async () => {
      calls += 1;
      return calls === 1
        ? answer(
            { type: 'tool-call', toolCallId: 'call-1', toolName: 'weather', input: '{"city":"Zürich"}' },
            'tool-calls',
          )
        : answer({ type: 'text', text: 'Sunny, 22 °C.' }, 'stop');
    },
    doStream: async () => ({
      stream: convertArrayToReadableStream([
        { type: 'stream-start', warnings: [] },
        { type: 'text-start', id: '1' },
        { type: 'text-delta', id: '1', delta: 'Grüezi' },
        { type: 'text-delta', id: '1', delta: ' mitenand!' },
        { type: 'text-end', id: '1' },
        { type: 'finish', finishReason: reason('stop'), usage: USAGE },
      ]),
    }),
  });
}

const answer = (content, finishReason) => ({
  content: [content],
  finishReason: reason(finishReason),
  usage: USAGE,
  warnings: [],
});

const reason = (unified) => ({ unified, raw: undefined });

const USAGE = {
  inputTokens: { total: 10, noCache: 6, cacheRead: 4, cacheWrite: 0 },
  outputTokens: { total: 20, text: 20, reasoning: 0 },
};
