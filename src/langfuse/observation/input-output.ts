import { dottedMessages } from './dotted-messages';
import { isMessageEvent, isReadWhole, messageEvents, operationDetails, operationDetailsEvent } from './gen-ai-events';
import { eitherFilled, eitherGiven, genAiMessages, type InputOutput } from './gen-ai-messages';
import { member, parseJson } from './json';
import { aiSdk, flue, genkit, pydanticAi } from './scoped-input-output';
import type { Attributes, EventReading, SpanReading } from './span-reading';

const NOTHING: InputOutput = { input: null, output: null };

/** Input and output, both from the first rule that finds one of them (Langfuse: `extractInputAndOutput`). */
export function inputOutputOf(span: SpanReading): InputOutput {
  return winnerOf(span)?.found ?? NOTHING;
}

/** Those of the span's events that become its input or output as a whole; something of the others is shown nowhere. */
export function eventsShown(span: SpanReading): readonly EventReading[] {
  return winnerOf(span)?.rule.eventsShown?.(span) ?? [];
}

/** Whether Langfuse gets as far as that rule, because no earlier one finds anything. */
export function reachesRule(span: SpanReading, name: string): boolean {
  for (const rule of RULES) {
    if (rule.name === name) return true;
    if (rule.read(span) !== undefined) return false;
  }
  return false;
}

interface InputOutputRule {
  readonly name: string;
  readonly read: (span: SpanReading) => InputOutput | undefined;
  /** Of which events it takes every attribute, where it takes events. */
  readonly eventsShown?: (span: SpanReading) => readonly EventReading[];
}

function winnerOf(span: SpanReading): { rule: InputOutputRule; found: InputOutput } | undefined {
  for (const rule of RULES) {
    const found = rule.read(span);
    if (found !== undefined) return { rule, found };
  }
  return undefined;
}

export const LOGFIRE_EVENTS_RULE = 'Logfire events';
export const CONTENT_EVENTS_RULE = 'GenAI content events';

/** Rules that build messages out of dotted keys, and what the keys of input and output begin with. */
export const DOTTED_RULES = [
  dottedRule('gen_ai.prompt', 'gen_ai.completion'),
  dottedRule('llm.input_messages', 'llm.output_messages'),
];

function dottedRule(inputPrefix: string, outputPrefix: string) {
  return { name: `${inputPrefix}* and ${outputPrefix}*`, inputPrefix, outputPrefix };
}

/** In order. Most hold for spans of any scope: an attribute that happens to be called `prompt` is the input. */
const RULES: readonly InputOutputRule[] = [
  { name: 'Langfuse', read: ({ attributes }) => langfuse(attributes) },
  { name: 'Genkit', read: inScope('genkit-tracer', genkit) },
  { name: 'Vercel AI SDK', read: inScope('ai', aiSdk) },
  { name: 'Flue', read: inScope('@flue/opentelemetry', flue) },
  {
    name: 'GenAI operation details event',
    read: ({ events }) => operationDetails(events),
    eventsShown: ({ events }) => operationDetailsEvent(events).filter(isReadWhole),
  },
  {
    name: 'GenAI message events',
    read: ({ events }) => messageEvents(events),
    eventsShown: ({ events }) => events.filter(isMessageEvent),
  },
  { name: CONTENT_EVENTS_RULE, read: contentEvents, eventsShown: contentEventsShown },
  { name: 'Google ADK', read: ({ attributes }) => googleAdk(attributes) },
  byKeys('prompt', 'all_messages_events'),
  { name: 'LiveKit', read: ({ attributes }) => liveKit(attributes) },
  { name: LOGFIRE_EVENTS_RULE, read: ({ attributes }) => logfireEvents(attributes) },
  byKeys('mlflow.spanInputs', 'mlflow.spanOutputs'),
  byKeys('traceloop.entity.input', 'traceloop.entity.output'),
  byKeys('input.value', 'output.value'),
  byKeys('input', 'output'),
  { name: 'Pydantic AI', read: inScope('pydantic-ai', pydanticAi) },
  byKeys('tool_arguments', 'tool_response'),
  ...DOTTED_RULES.map(byDottedKeys),
  { name: 'GenAI messages', read: ({ attributes }) => genAiMessages(attributes) },
];

function byKeys(inputKey: string, outputKey: string): InputOutputRule {
  return {
    name: `${inputKey} and ${outputKey}`,
    read: ({ attributes }) => eitherFilled(attributes.get(inputKey), attributes.get(outputKey)),
  };
}

function byDottedKeys({ name, inputPrefix, outputPrefix }: (typeof DOTTED_RULES)[number]): InputOutputRule {
  const startsSo = (key: string) => key.startsWith(inputPrefix) || key.startsWith(outputPrefix);
  return {
    name,
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

const firstNamed = (events: readonly EventReading[], name: string) => events.find((event) => event.name === name);

/** The first of each of the two names, where it says anything. */
export function contentEventsRead(events: readonly EventReading[]): readonly EventReading[] {
  return ['gen_ai.content.prompt', 'gen_ai.content.completion'].flatMap((name) => {
    const event = firstNamed(events, name);
    return event === undefined || event.isEmpty ? [] : [event];
  });
}

/** A side of the messages in dotted keys, as everybody writes it. */
const PLAIN_PATH = /^\.(?:0|[1-9]\d{0,2})\.[a-z][a-z_]*$/;

/** Those of which nothing is lost: stored as they are, a single attribute, or messages in dotted keys alone. */
function contentEventsShown(span: SpanReading): readonly EventReading[] {
  return contentEventsRead(span.events).filter(({ name, attributes }) => {
    const isPrompt = name === 'gen_ai.content.prompt';
    const prefix = isPrompt ? 'gen_ai.prompt' : 'gen_ai.completion';
    const found = inputOutputOf({ ...span, attributes, events: [] })[isPrompt ? 'input' : 'output'];
    if (!found) return true;
    if (attributes.size === 1) return attributes.values().next().value === found;
    return [...attributes.keys()].every((key) => key.startsWith(prefix) && PLAIN_PATH.test(key.slice(prefix.length)));
  });
}

/** Semantic Kernel's events: their attributes are read as a span's would be, else stored as they are. */
function contentEvents(span: SpanReading): InputOutput | undefined {
  const read = contentEventsRead(span.events);
  if (read.length === 0) return undefined;
  const attributesOf = (name: string): Attributes => firstNamed(read, name)?.attributes ?? new Map();
  const prompt = attributesOf('gen_ai.content.prompt');
  const completion = attributesOf('gen_ai.content.completion');
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
  // Langfuse stumbles over JSON that is no list, and over null in a list, and loses the batch.
  if (!Array.isArray(events) || events.length === 0 || events.includes(null)) return undefined;
  const isChoice = (event: unknown) => member(event, 'event.name') === 'gen_ai.choice';
  const messages = events.filter((event) => !isChoice(event));
  return { input: messages.length === 0 ? null : messages, output: events.find(isChoice) ?? null };
}
