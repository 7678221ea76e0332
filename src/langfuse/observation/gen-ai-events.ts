import { genAiMessages, type InputOutput, withSystemInstructions } from './gen-ai-messages';
import type { EventReading } from './span-reading';

const messagesOf = ({ name, attributes }: EventReading) =>
  name === 'gen_ai.client.inference.operation.details' ? genAiMessages(attributes) : undefined;

/** GenAI conventions from 1.37 on. */
export function operationDetails(events: readonly EventReading[]): InputOutput | undefined {
  return operationDetailsEvent(events).map(messagesOf)[0];
}

/** The one event that has the messages, if any. */
export function operationDetailsEvent(events: readonly EventReading[]): readonly EventReading[] {
  const event = events.find((each) => messagesOf(each) !== undefined);
  return event === undefined ? [] : [event];
}

const INPUT = 'gen_ai.input.messages';
const OUTPUT = 'gen_ai.output.messages';
const INSTRUCTIONS = 'gen_ai.system_instructions';
const TOOL_CALL = ['gen_ai.tool.call.arguments', 'gen_ai.tool.call.result'];

/** Whether every attribute of such an event is among its messages; others, a response's id and so on, are shown nowhere. */
export function isReadWhole({ attributes }: EventReading): boolean {
  const [input, output] = [attributes.get(INPUT), attributes.get(OUTPUT)];
  const isInstructed = withSystemInstructions(input, attributes.get(INSTRUCTIONS)) !== input;
  const read = input || output ? [INPUT, OUTPUT, ...(isInstructed ? [INSTRUCTIONS] : [])] : TOOL_CALL;
  return [...attributes.keys()].every((key) => read.includes(key));
}

const MESSAGE_EVENT = /^gen_ai\.(system|user|assistant|tool)\.message$/;
const CHOICE = 'gen_ai.choice';

export const isMessageEvent = ({ name }: EventReading) => name === CHOICE || MESSAGE_EVENT.test(name);

/** One event per message; a single choice is stored alone, several as a list. */
export function messageEvents(events: readonly EventReading[]): InputOutput | undefined {
  const messages = events.flatMap(({ name, attributes }) => {
    const role = MESSAGE_EVENT.exec(name)?.[1];
    return role === undefined ? [] : [Object.fromEntries([['role', role], ...attributes])];
  });
  const choices = events.filter(({ name }) => name === CHOICE).map(({ attributes }) => Object.fromEntries(attributes));
  if (messages.length === 0 && choices.length === 0) return undefined;
  return { input: messages.length === 0 ? null : messages, output: choices.length > 1 ? choices : choices[0] };
}
