import { genAiMessages, type InputOutput } from './gen-ai-messages';
import type { EventReading } from './span-reading';

/** GenAI conventions from 1.37 on. */
export function operationDetails(events: readonly EventReading[]): InputOutput | undefined {
  for (const { name, attributes } of events) {
    const found = name === 'gen_ai.client.inference.operation.details' ? genAiMessages(attributes) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const MESSAGE_EVENT = /^gen_ai\.(system|user|assistant|tool)\.message$/;

/** One event per message; a single choice is stored alone, several as a list. */
export function messageEvents(events: readonly EventReading[]): InputOutput | undefined {
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
