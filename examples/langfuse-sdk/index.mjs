// A program with the Langfuse SDK. Only the base URL is another one: the gateway's. Where the gateway asks for a key,
// that key is the SDK's secret key; Langfuse's own secret stays with the gateway.
import { LangfuseSpanProcessor } from '@langfuse/otel';
import * as tracing from '@langfuse/tracing';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { sentSpans } from '../sent-spans.mjs';
import { runAgent } from './agent-run.mjs';

process.env.LANGFUSE_BASE_URL ??= 'http://127.0.0.1:4318';
process.env.LANGFUSE_PUBLIC_KEY ??= 'pk-lf-example';
process.env.LANGFUSE_SECRET_KEY ??= 'sk-lf-example';

const sent = sentSpans();
const provider = new BasicTracerProvider({ spanProcessors: [new LangfuseSpanProcessor(), sent] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

await runAgent(tracing);

await provider.shutdown();
sent.print();
