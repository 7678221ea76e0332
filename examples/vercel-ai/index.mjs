// A program with the Vercel AI SDK, traced through the Langfuse SDK: only the base URL is the gateway's. The model is the AI
// SDK's own mock, so that the example needs no account; any other model is traced in the same way.
import { LangfuseSpanProcessor } from '@langfuse/otel';
import { propagateAttributes } from '@langfuse/tracing';
import { LangfuseVercelAiSdkIntegration } from '@langfuse/vercel-ai-sdk';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { generateText, isStepCount, registerTelemetry, streamText, tool } from 'ai';
import { z } from 'zod';
import { sentSpans } from '../sent-spans.mjs';
import { mockModel } from './mock-model.mjs';

process.env.LANGFUSE_BASE_URL ??= 'http://127.0.0.1:4318';
process.env.LANGFUSE_PUBLIC_KEY ??= 'pk-lf-example';
process.env.LANGFUSE_SECRET_KEY ??= 'sk-lf-example';

const sent = sentSpans();
const provider = new BasicTracerProvider({ spanProcessors: [new LangfuseSpanProcessor(), sent] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
registerTelemetry(new LangfuseVercelAiSdkIntegration());

await propagateAttributes({ userId: 'user-1', sessionId: 'session-1', tags: ['example'] }, async () => {
  await generateText({
    model: mockModel(),
    prompt: 'What is the weather in Zürich?',
    stopWhen: isStepCount(2),
    tools: {
      weather: tool({
        description: 'The weather in a city',
        inputSchema: z.object({ city: z.string() }),
        execute: async ({ city }) => ({ city, celsius: 22 }),
      }),
    },
    telemetry: { functionId: 'weather-question' },
  });

  const { textStream } = streamText({
    model: mockModel(),
    prompt: 'Say hello.',
    telemetry: { functionId: 'greeting' },
  });
  for await (const _ of textStream);
});

await provider.shutdown();
sent.print();
