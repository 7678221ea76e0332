import { member, parseJson, textOf } from './json';
import type { Attributes } from './span-reading';

export interface InputOutput {
  readonly input: unknown;
  readonly output: unknown;
}

/** The messages of OTel's GenAI conventions, else the arguments and the result of their tool calls. */
export function genAiMessages(attributes: Attributes): InputOutput | undefined {
  const input = withSystemInstructions(
    attributes.get('gen_ai.input.messages'),
    attributes.get('gen_ai.system_instructions'),
  );
  return (
    eitherFilled(input, attributes.get('gen_ai.output.messages')) ??
    eitherFilled(attributes.get('gen_ai.tool.call.arguments'), attributes.get('gen_ai.tool.call.result'))
  );
}

/** A pair counts when one side is true in JavaScript's sense. */
export function eitherFilled(input: unknown, output: unknown): InputOutput | undefined {
  return input || output ? { input, output } : undefined;
}

/** A pair counts when one side is there and not null. */
export const eitherGiven = (input: unknown, output: unknown): InputOutput | undefined =>
  (input ?? output ?? null) === null ? undefined : { input, output };

/**
 * The list of messages with the instructions as a system message in front. The messages as they are where either is
 * missing, they are no list, or one of them is a system message.
 */
export function withSystemInstructions(input: unknown, instructions: unknown): unknown {
  if (!input || !instructions) return input;
  const messages = typeof input === 'string' ? parseJson(input) : input;
  if (!Array.isArray(messages) || messages.some((message) => member(message, 'role') === 'system')) return input;
  return [{ role: 'system', content: instructionText(instructions) }, ...messages];
}

/** The parts' contents, line by line; any other JSON or text as a text. */
function instructionText(instructions: unknown): string {
  const parsed = typeof instructions === 'string' ? parseJson(instructions) : instructions;
  if (Array.isArray(parsed)) return parsed.map((part) => textOf(member(part, 'content') || part)).join('\n');
  return textOf(parsed === undefined ? instructions : parsed);
}
