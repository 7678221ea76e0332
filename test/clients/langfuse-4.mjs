// The program of examples/langfuse-sdk on version 4 of the Langfuse SDK.
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { LangfuseSpanProcessor } from 'langfuse-4-otel';
import * as tracing from 'langfuse-4-tracing';
import { runAgent } from '../../examples/langfuse-sdk/agent-run.mjs';
import { sentSpans } from '../../examples/sent-spans.mjs';

const sent = sentSpans();
const provider = new BasicTracerProvider({ spanProcessors: [new LangfuseSpanProcessor(), sent] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

await runAgent(tracing);

await provider.shutdown();
sent.print();
