import { dottedMessages } from './dotted-messages';
import { eitherFilled, genAiMessages, type InputOutput, withSystemInstructions } from './gen-ai-messages';
import { member, parseJson, parsePayload } from './json';
import type { Attributes, EventReading, SpanReading } from './span-reading';

const NOTHING: InputOutput = { input: null, output: null };

/** Input and output, both from the first rule that finds one of them (Langfuse: `extractInputAndOutput`). */
export function inputOutputOf(span: SpanReading): InputOutput {
  for (const { read } of RULES) {
    const found = read(span);
    if (found !== undefined) return found;
  }
  return NOTHING;
}

interface InputOutputRule {
  readonly name: string;
  readonly read: (span: SpanReading) => InputOutput | undefined;
}

/** In order. Rules 9 to 17 hold for spans of any scope: an attribute that happens to be called `input` is the input. */
const RULES: readonly InputOutputRule[] = [
  { name: 'Langfuse', read: ({ attributes }) => langfuse(attributes) },
  { name: 'Genkit', read: inScope('genkit-tracer', genkit) },
  { name: 'Vercel AI SDK', read: inScope('ai', aiSdk) },
  { name: 'Flue', read: inScope('@flue/opentelemetry', flue) },
  { name: 'GenAI operation details event', read: ({ events }) => operationDetails(events) },
  { name: 'GenAI message events', read: ({ events }) => messageEvents(events) },
  { name: 'GenAI content events', read: contentEvents },
  { name: 'Google ADK', read: ({ attributes }) => googleAdk(attributes) },
  byKeys('prompt', 'all_messages_events'),
  { name: 'LiveKit', read: ({ attributes }) => liveKit(attributes) },
  { name: 'Logfire events', read: ({ attributes }) => logfireEvents(attributes) },
  byKeys('mlflow.spanInputs', 'mlflow.spanOutputs'),
  byKeys('traceloop.entity.input', 'traceloop.entity.output'),
  byKeys('input.value', 'output.value'),
  byKeys('input', 'output'),
  { name: 'Pydantic AI', read: inScope('pydantic-ai', pydanticAi) },
  byKeys('tool_arguments', 'tool_response'),
  byDottedKeys('gen_ai.prompt', 'gen_ai.completion'),
  byDottedKeys('llm.input_messages', 'llm.output_messages'),
  { name: 'GenAI messages', read: ({ attributes }) => genAiMessages(attributes) },
];

function byKeys(inputKey: string, outputKey: string): InputOutputRule {
  return {
    name: `${inputKey} and ${outputKey}`,
    read: ({ attributes }) => eitherFilled(attributes.get(inputKey), attributes.get(outputKey)),
  };
}

function byDottedKeys(inputPrefix: string, outputPrefix: string): InputOutputRule {
  const startsSo = (key: string) => key.startsWith(inputPrefix) || key.startsWith(outputPrefix);
  return {
    name: `${inputPrefix}* and ${outputPrefix}*`,
    read: ({ attributes }) =>
      [...attributes.keys()].some(startsSo)
        ? { input: dottedMessages(attributes, inputPrefix), output: dottedMessages(attributes, outputPrefix) }
        : undefined,
  };
}

function inScope(
  scopeName: string,
  read: (attributes: Attributes) => InputOutput | undefined,
): InputOutputRule['read'] {
  return ({ scope, attributes }) => (scope.name === scopeName ? read(attributes) : undefined);
}

/** An empty string counts as set, and so blocks all other sources. */
function langfuse(attributes: Attributes): InputOutput | undefined {
  return eitherGiven(attributes.get('langfuse.observation.input'), attributes.get('langfuse.observation.output'));
}

const eitherGiven = (input: unknown, output: unknown): InputOutput | undefined =>
  (input ?? output ?? null) === null ? undefined : { input, output };

/** Of a model call its messages and the answer's message, of anything else the whole. No other rule is asked. */
function genkit(attributes: Attributes): InputOutput {
  const input = parsedOrRaw(attributes.get('genkit:input'));
  const output = parsedOrRaw(attributes.get('genkit:output'));
  return { input: member(input, 'messages') ?? input, output: member(output, 'message') ?? output };
}

const parsedOrRaw = (value: unknown) => parsePayload(value) ?? value;

const AI_SDK_INPUT_KEYS = ['ai.prompt.messages', 'ai.prompt', 'ai.toolCall.args'];

/** In order. The `ai.result.*` are of versions before 4. */
const AI_SDK_OUTPUT_KEYS = [
  'ai.result.text',
  'ai.toolCall.result',
  'ai.response.object',
  'ai.result.object',
  'ai.response.toolCalls',
  'ai.result.toolCalls',
];

/** Input and output each from their own first key; what is missing from the GenAI messages. No other rule is asked. */
function aiSdk(attributes: Attributes): InputOutput {
  const messages = genAiMessages(attributes);
  return {
    input: keptValue(attributes, AI_SDK_INPUT_KEYS) ?? messages?.input,
    output: aiSdkOutput(attributes) ?? messages?.output,
  };
}

function aiSdkOutput(attributes: Attributes): unknown {
  const text = attributes.get('ai.response.text');
  if (text !== undefined && attributes.has('ai.response.toolCalls')) {
    const toolCalls = attributes.get('ai.response.toolCalls');
    return JSON.stringify({ role: 'assistant', content: text, tool_calls: toolCalls });
  }
  return text || keptValue(attributes, AI_SDK_OUTPUT_KEYS);
}

function keptValue(attributes: Attributes, keys: readonly string[]): unknown {
  const key = keys.find((each) => attributes.has(each));
  return key === undefined ? undefined : attributes.get(key);
}

const FLUE_INPUT_KEYS = ['flue.turn.input', 'flue.tool.arguments', 'flue.task.prompt', 'flue.workflow.payload'];
const FLUE_OUTPUT_KEYS = [
  'flue.turn.output',
  'flue.tool.result',
  'flue.task.result',
  'flue.operation.result',
  'flue.workflow.result',
];

function flue(attributes: Attributes): InputOutput | undefined {
  const given = (keys: readonly string[]) => keys.map((key) => attributes.get(key)).find((value) => value != null);
  const found = eitherGiven(given(FLUE_INPUT_KEYS), given(FLUE_OUTPUT_KEYS));
  return found && { input: parsedOrRaw(found.input), output: parsedOrRaw(found.output) };
}

/** GenAI conventions from 1.37 on. */
function operationDetails(events: readonly EventReading[]): InputOutput | undefined {
  for (const { name, attributes } of events) {
    const found = name === 'gen_ai.client.inference.operation.details' ? genAiMessages(attributes) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const MESSAGE_EVENT = /^gen_ai\.(system|user|assistant|tool)\.message$/;

/** One event per message; a single choice is stored alone, several as a list. */
function messageEvents(events: readonly EventReading[]): InputOutput | undefined {
  const messages = events.flatMap(({ name, attributes }) => {
    const role = MESSAGE_EVENT.exec(name)?.[1];
    return role === undefined ? [] : [Object.fromEntries([['role', role], ...attributes])];
  });
  const choices = events
    .filter(({ name }) => name === 'gen_ai.choice')
    .map(({ attributes }) => Object.fromEntries(attributes));
  if (messages.length === 0 && choices.length === 0) return undefined;
  return { input: messages.length === 0 ? null : messages, output: choices.length > 1 ? choices : choices[0] };
}

/** Semantic Kernel's events: their attributes are read as a span's would be, else stored as they are. */
function contentEvents(span: SpanReading): InputOutput | undefined {
  const attributesOf = (eventName: string): Attributes =>
    span.events.find(({ name }) => name === eventName)?.attributes ?? new Map();
  const prompt = attributesOf('gen_ai.content.prompt');
  const completion = attributesOf('gen_ai.content.completion');
  if (prompt.size === 0 && completion.size === 0) return undefined;
  const { input } = inputOutputOf({ ...span, attributes: prompt, events: [] });
  const { output } = inputOutputOf({ ...span, attributes: completion, events: [] });
  return { input: input || Object.fromEntries(prompt), output: output || Object.fromEntries(completion) };
}

/** Google's ADK writes `{}` for the model's side of a tool call. */
function googleAdk(attributes: Attributes): InputOutput | undefined {
  const side = (modelKey: string, toolKey: string) => {
    const ofModel = attributes.get(modelKey);
    return !ofModel || ofModel === '{}' ? attributes.get(toolKey) : ofModel;
  };
  return eitherFilled(
    side('gcp.vertex.agent.llm_request', 'gcp.vertex.agent.tool_call_args'),
    side('gcp.vertex.agent.llm_response', 'gcp.vertex.agent.tool_response'),
  );
}

function liveKit(attributes: Attributes): InputOutput | undefined {
  return eitherFilled(
    attributes.get('lk.input_text') ?? attributes.get('lk.user_transcript') ?? attributes.get('lk.chat_ctx'),
    attributes.get('lk.function_tool.output') || attributes.get('lk.response.text'),
  );
}

/** The first choice is the output, all that are no choices the input. */
function logfireEvents(attributes: Attributes): InputOutput | undefined {
  const value = attributes.get('events');
  const events = typeof value === 'string' ? parseJson(value) : value;
  // Langfuse stumbles over JSON that is no list, and loses the batch.
  if (!Array.isArray(events)) return undefined;
  const isChoice = (event: unknown) => member(event, 'event.name') === 'gen_ai.choice';
  const messages = events.filter((event) => !isChoice(event));
  if (events.length === 0) return undefined;
  return { input: messages.length === 0 ? null : messages, output: events.find(isChoice) ?? null };
}

function pydanticAi(attributes: Attributes): InputOutput | undefined {
  const messages = attributes.get('pydantic_ai.all_messages');
  return eitherFilled(
    withSystemInstructions(messages, attributes.get('gen_ai.system_instructions')),
    attributes.get('final_result'),
  );
}
