import { isTooDeep, parseJson } from '../observation/json';
import { FLUE_KEYS } from '../observation/metadata';

/** Attributes whose JSON Langfuse's worker walks by recursion, with nothing there to catch a stack that is full. */
export const WALKED_KEYS = [
  'langfuse.metadata',
  'langfuse.observation.metadata',
  'langfuse.trace.metadata',
  'langfuse.experiment.metadata',
  'langfuse.experiment.item.metadata',
  'ai.telemetry.metadata.langfusePrompt',
  'langfuse.observation.cost_details',
  'model_request_parameters',
  'ai.prompt.tools',
  'gen_ai.tool.definitions',
  'events',
  'genkit:input',
  'genkit:output',
  ...FLUE_KEYS,
];

/** Langfuse passes all entries of a nested object as arguments of one call; some 120,000 fill the stack. */
const ENTRIES_MAX = 50_000;

/** `"":1,` */
const ENTRY_CHARACTERS_MIN = 5;

/** Whether a text is JSON that is nested too deep to be walked, or has an object with too many entries, however deep they lie. */
export function isUnwieldy(text: string): boolean {
  if (isTooDeep(text)) return true;
  return text.length > ENTRIES_MAX * ENTRY_CHARACTERS_MIN && entriesIn(parseJson(text)) > ENTRIES_MAX;
}

/** As they are flattened: a list is one of them. */
function entriesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 1;
  return Object.values(value).reduce<number>((sum, member) => sum + entriesIn(member), 0);
}
