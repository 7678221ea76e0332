import type { Draft } from '../draft';
import { firstPresent } from '../observation/attribute-lookup';
import { member, parseJson } from '../observation/json';
import { type Attributes, readSpan } from '../observation/span-reading';
import { addMetadata, METADATA, textOrJson } from './metadata';

const NAME_KEYS = ['langfuse.observation.prompt.name', 'langfuse.prompt.name'] as const;
const VERSION_KEYS = ['langfuse.observation.prompt.version', 'langfuse.prompt.version'] as const;
export const PROMPT_KEYS = [...NAME_KEYS, ...VERSION_KEYS] as const;

/** The column is a UInt16. */
const VERSION_MAX = 65_535;

export function promptVersionToNumber(draft: Draft): void {
  for (const key of VERSION_KEYS) {
    const version = draft.span.attributes[key];
    if (typeof version !== 'string' || !/^\d+$/.test(version) || Number(version) > VERSION_MAX) continue;
    draft.replace(key, Number(version));
  }
}

/** Langfuse's ingestion schema refuses an observation with half a link to a prompt, and drops it without a word. */
export function dropHalfPromptLink(draft: Draft): void {
  const { attributes } = readSpan(draft.span);
  const [name, version] = [firstPresent(attributes, NAME_KEYS), firstPresent(attributes, VERSION_KEYS)];
  if (name === undefined && version === undefined) return;
  if (isAcceptable(name ?? ofAiSdk(attributes, 'name'), version ?? ofAiSdk(attributes, 'version'))) return;
  keep(draft, NAME_KEYS, METADATA.promptName);
  keep(draft, VERSION_KEYS, METADATA.promptVersion);
  for (const key of PROMPT_KEYS) draft.replace(key, undefined);
  draft.warn('prompt_without_version');
}

function keep(draft: Draft, keys: readonly string[], target: string): void {
  for (const key of keys) {
    const sent = draft.span.attributes[key] ?? '';
    if (sent !== '') addMetadata(draft, target, textOrJson(sent));
  }
}

/** Langfuse fills up from here what the four attributes leave open. */
const ofAiSdk = (attributes: Attributes, part: 'name' | 'version') =>
  member(parseJson(attributes.get('ai.telemetry.metadata.langfusePrompt')), part) ?? undefined;

/** Both or neither; an empty name and version 0 count as absent (types.ts, `CreateGenerationBody`). */
function isAcceptable(name: unknown, version: unknown): boolean {
  if (name !== undefined && typeof name !== 'string') return false;
  if (version !== undefined && !Number.isInteger(version)) return false;
  return Boolean(name) === Boolean(version);
}
