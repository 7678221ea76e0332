import type { Draft } from '../draft';
import { parseJson } from '../observation/json';
import { addMetadata, METADATA } from './metadata';

/** Where Langfuse wants an object, and under which name is kept what is none. */
const TARGETS = {
  'langfuse.observation.metadata': METADATA.metadata,
  'langfuse.metadata': METADATA.metadata,
  'langfuse.trace.metadata': METADATA.traceMetadata,
} as const;

export const METADATA_TEXT_KEYS = Object.keys(TARGETS);

/** Langfuse drops what is neither an object nor a list, and counts it in a metric of its own. */
export function keepMetadataText(draft: Draft): void {
  for (const [key, target] of Object.entries(TARGETS)) {
    const value = draft.span.attributes[key];
    const isScalar = typeof value === 'number' || typeof value === 'boolean';
    if (isScalar || (typeof value === 'string' && isLostText(value))) addMetadata(draft, target, value);
  }
}

/** Whether there is something to see, and it is no JSON of an object or a list. SDKs write `null` for nothing. */
export function isLostText(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return text !== '' && text.trim() !== 'null';
  return parseJson(text) === undefined;
}
