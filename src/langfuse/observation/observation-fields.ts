import { firstFilled, firstFilledText, firstPresent } from './attribute-lookup';
import { columnText, member, parseJson, textOf } from './json';
import type { Attributes, SpanReading } from './span-reading';

/** Plain fields: one ordered list of sources each (Langfuse: OtelIngestionProcessor.ts, `extractX` of the field's name). */

export const USER_ID_KEYS = [
  'langfuse.user.id',
  'user.id',
  'langfuse.observation.metadata.langfuse_user_id',
  'langfuse.trace.metadata.langfuse_user_id',
  'ai.telemetry.metadata.userId',
];

export const SESSION_ID_KEYS = [
  'langfuse.session.id',
  'session.id',
  'gen_ai.conversation.id',
  'langfuse.observation.metadata.langfuse_session_id',
  'langfuse.trace.metadata.langfuse_session_id',
  'ai.telemetry.metadata.sessionId',
];

export const TAGS_KEYS = [
  'langfuse.trace.tags',
  'langfuse.tags',
  'langfuse.observation.metadata.langfuse_tags',
  'langfuse.trace.metadata.langfuse_tags',
  'ai.telemetry.metadata.tags',
];

/** Asked last, and whatever it holds counts: an empty text is one empty tag. */
export const LAST_TAGS_KEY = 'tag.tags';

export const TRACE_NAME_KEY = 'langfuse.trace.name';
export const VERSION_KEY = 'langfuse.version';
export const RELEASE_KEY = 'langfuse.release';
export const PUBLIC_KEYS = ['langfuse.trace.public', 'langfuse.public'] as const;

/** In order. Where a key's mere presence decides, an empty name is a name. */
const NAME_SOURCES: readonly ((attributes: Attributes) => string | null)[] = [
  (attributes) => firstFilledText(attributes, ['gen_ai.tool.name']),
  (attributes) => presentText(attributes, 'genkit:name'),
  (attributes) => firstFilledText(attributes, ['logfire.msg']),
  (attributes) => presentText(attributes, 'ai.toolCall.name'),
  aiSdkOperationName,
];

export function nameOf({ name, attributes }: SpanReading): string {
  for (const source of NAME_SOURCES) {
    const found = source(attributes);
    if (found !== null) return found;
  }
  return name;
}

function presentText(attributes: Attributes, key: string): string | null {
  return attributes.has(key) ? (columnText(attributes.get(key)) ?? '') : null;
}

function aiSdkOperationName(attributes: Attributes): string | null {
  if (!attributes.has('ai.operationId')) return null;
  const functionId = attributes.get('ai.telemetry.functionId');
  return `${functionId ? `${String(functionId)}:` : ''}${String(attributes.get('ai.operationId'))}`;
}

export const userIdOf = ({ attributes }: SpanReading) => firstFilledText(attributes, USER_ID_KEYS);

export const sessionIdOf = ({ attributes }: SpanReading) => firstFilledText(attributes, SESSION_ID_KEYS);

export const traceNameOf = ({ attributes }: SpanReading) => columnText(attributes.get(TRACE_NAME_KEY));

/** A `langfuse.version` of the resource is not looked at. */
export const versionOf = ({ attributes, resourceAttributes }: SpanReading) =>
  columnText(attributes.get(VERSION_KEY) ?? resourceAttributes.get('service.version'));

export const releaseOf = ({ attributes, resourceAttributes }: SpanReading) =>
  columnText(attributes.get(RELEASE_KEY) ?? resourceAttributes.get(RELEASE_KEY));

export const isPublic = ({ attributes }: SpanReading) => isTrue(firstPresent(attributes, PUBLIC_KEYS));

export const isAppRoot = ({ attributes }: SpanReading) => isTrue(attributes.get('langfuse.internal.is_app_root'));

const isTrue = (value: unknown) => value === true || value === 'true';

/** An array, the text of a JSON array, or a list with commas; a tag that is no string becomes one. */
export function tagsOf({ attributes }: SpanReading): string[] {
  const value = firstFilled(attributes, TAGS_KEYS) ?? attributes.get(LAST_TAGS_KEY);
  if (Array.isArray(value)) return value.map(textOf);
  if (typeof value !== 'string') return [];
  const parsed = value.trim().startsWith('[') ? parseJson(value) : undefined;
  if (Array.isArray(parsed)) return parsed.map(textOf);
  return value.includes(',') ? value.split(',').map((tag) => tag.trim()) : [value];
}

export interface PromptLink {
  readonly promptName: string | null;
  readonly promptVersion: number | null;
}

const PROMPT_VERSION_MAX = 65_535;

/** Only for generations: the caller asks for nothing else. */
export function promptOf({ attributes }: SpanReading): PromptLink {
  const ofAiSdk = parseJson(attributes.get('ai.telemetry.metadata.langfusePrompt'));
  const name = firstPresent(attributes, ['langfuse.observation.prompt.name', 'langfuse.prompt.name']);
  const version = firstPresent(attributes, ['langfuse.observation.prompt.version', 'langfuse.prompt.version']);
  return {
    promptName: columnText(name ?? member(ofAiSdk, 'name')),
    promptVersion: promptVersion(version ?? member(ofAiSdk, 'version')),
  };
}

/** The column is a UInt16. */
function promptVersion(value: unknown): number | null {
  const version = Number.parseInt(textOf(value), 10);
  return version >= 0 && version <= PROMPT_VERSION_MAX ? version : null;
}
