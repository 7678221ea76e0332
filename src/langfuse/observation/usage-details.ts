import { isRecord } from './json';

/** A usage object of OpenAI's APIs: these three counts and two breakdowns, and nothing else. */
interface OpenAiShape {
  readonly input: string;
  readonly output: string;
  readonly inputDetails: string;
  readonly outputDetails: string;
}

const OPENAI_SHAPES: readonly OpenAiShape[] = [
  {
    input: 'prompt_tokens',
    output: 'completion_tokens',
    inputDetails: 'prompt_tokens_details',
    outputDetails: 'completion_tokens_details',
  },
  {
    input: 'input_tokens',
    output: 'output_tokens',
    inputDetails: 'input_tokens_details',
    outputDetails: 'output_tokens_details',
  },
];

/**
 * What Langfuse keeps of a usage object (ingestion/types.ts `UsageDetails`): one in OpenAI's shape under its own names,
 * of any other the non-negative integers, also as texts. Null where nothing is left.
 */
export function usageDetails(usage: Record<string, unknown>): Record<string, number> | null {
  const kept = OPENAI_SHAPES.map((shape) => openAiUsage(usage, shape)).find((found) => found !== null) ?? counts(usage);
  return kept.size === 0 ? null : Object.fromEntries(kept);
}

/** Null where the object has not exactly that shape. */
function openAiUsage(usage: Record<string, unknown>, shape: OpenAiShape): Map<string, number> | null {
  const known = new Set([...Object.values(shape), 'total_tokens']);
  const [input, output, total] = [shape.input, shape.output, 'total_tokens'].map((key) => count(usage, key));
  const inputDetails = breakdown(usage, shape.inputDetails);
  const outputDetails = breakdown(usage, shape.outputDetails);
  if (input === undefined || output === undefined || total === undefined) return null;
  if (inputDetails === undefined || outputDetails === undefined) return null;
  if (Object.keys(usage).some((key) => !known.has(key))) return null;
  return new Map([
    ['input', rest(input, inputDetails)],
    ['output', rest(output, outputDetails)],
    ['total', total],
    ...inputDetails.map(([key, tokens]): [string, number] => [`input_${key}`, tokens]),
    ...outputDetails.map(([key, tokens]): [string, number] => [`output_${key}`, tokens]),
  ]);
}

function count(usage: Record<string, unknown>, key: string): number | undefined {
  const value = Object.hasOwn(usage, key) ? usage[key] : undefined;
  return isCount(value) ? value : undefined;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Counts by kind, without the absent ones; `undefined` where it is no such thing. */
function breakdown(usage: Record<string, unknown>, key: string): [string, number][] | undefined {
  const value = (Object.hasOwn(usage, key) ? usage[key] : null) ?? {};
  if (!isRecord(value)) return undefined;
  const given = Object.entries(value).filter(([name, tokens]) => name !== '__proto__' && tokens !== null);
  return given.every((entry): entry is [string, number] => isCount(entry[1])) ? given : undefined;
}

/** The breakdown is part of the count. Cut at 0 step by step, which is the same as at the end. */
const rest = (tokens: number, details: readonly [string, number][]) =>
  details.reduce((left, [, part]) => Math.max(left - part, 0), tokens);

function counts(usage: Record<string, unknown>): Map<string, number> {
  const kept = new Map<string, number>();
  for (const [key, value] of Object.entries(usage)) {
    const tokens = typeof value === 'string' ? Number.parseInt(value, 10) : value;
    // Langfuse's schema passes over the key `__proto__`.
    if (Number.isInteger(tokens) && (tokens as number) >= 0 && key !== '__proto__') kept.set(key, tokens as number);
  }
  return kept;
}
