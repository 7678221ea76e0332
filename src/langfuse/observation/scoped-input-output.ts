import { firstKept, firstPresent } from './attribute-lookup';
import { eitherFilled, eitherGiven, genAiMessages, type InputOutput, withSystemInstructions } from './gen-ai-messages';
import { member, parsePayload } from './json';
import type { Attributes } from './span-reading';

/** Of a model call its messages and the answer's message, of anything else the whole. No other rule is asked. */
export function genkit(attributes: Attributes): InputOutput {
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
export function aiSdk(attributes: Attributes): InputOutput {
  const messages = genAiMessages(attributes);
  return {
    input: firstKept(attributes, AI_SDK_INPUT_KEYS) ?? messages?.input,
    output: aiSdkOutput(attributes) ?? messages?.output,
  };
}

function aiSdkOutput(attributes: Attributes): unknown {
  const text = attributes.get('ai.response.text');
  if (text !== undefined && attributes.has('ai.response.toolCalls')) {
    const toolCalls = attributes.get('ai.response.toolCalls');
    return JSON.stringify({ role: 'assistant', content: text, tool_calls: toolCalls });
  }
  return text || firstKept(attributes, AI_SDK_OUTPUT_KEYS);
}

const FLUE_INPUT_KEYS = ['flue.turn.input', 'flue.tool.arguments', 'flue.task.prompt', 'flue.workflow.payload'];
const FLUE_OUTPUT_KEYS = [
  'flue.turn.output',
  'flue.tool.result',
  'flue.task.result',
  'flue.operation.result',
  'flue.workflow.result',
];

export function flue(attributes: Attributes): InputOutput | undefined {
  const found = eitherGiven(firstPresent(attributes, FLUE_INPUT_KEYS), firstPresent(attributes, FLUE_OUTPUT_KEYS));
  return found && { input: parsedOrRaw(found.input), output: parsedOrRaw(found.output) };
}

export function pydanticAi(attributes: Attributes): InputOutput | undefined {
  const messages = attributes.get('pydantic_ai.all_messages');
  return eitherFilled(
    withSystemInstructions(messages, attributes.get('gen_ai.system_instructions')),
    attributes.get('final_result'),
  );
}
