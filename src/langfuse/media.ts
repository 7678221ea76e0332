import { FLUE_KEYS } from './observation/metadata';

export type MediaField = 'input' | 'output' | 'metadata';

/** An attribute by its key, or those whose keys begin so. */
export interface MediaAttribute {
  readonly key: string;
  readonly isPrefix?: true;
  readonly field: MediaField;
}

const isFlueInput = (key: string) => /\.(?:input|arguments|prompt|payload)$/.test(key);

/** Where each of Langfuse's rules for input and output looks (`inputOutputOf`), as far as it may find JSON there. */
const INPUT_KEYS = [
  ...['langfuse.observation.input', 'langfuse.trace.input', 'genkit:input', ...FLUE_KEYS.filter(isFlueInput)],
  ...['ai.prompt.messages', 'ai.prompt', 'ai.toolCall.args'],
  ...['gcp.vertex.agent.llm_request', 'gcp.vertex.agent.tool_call_args', 'prompt', 'lk.chat_ctx', 'events'],
  ...['mlflow.spanInputs', 'traceloop.entity.input', 'input.value', 'input', 'pydantic_ai.all_messages'],
  ...['tool_arguments', 'gen_ai.prompt', 'llm.input_messages', 'gen_ai.input.messages', 'gen_ai.tool.call.arguments'],
];
const OUTPUT_KEYS = [
  ...['langfuse.observation.output', 'langfuse.trace.output', 'genkit:output'],
  ...FLUE_KEYS.filter((key) => !isFlueInput(key)),
  ...['ai.response.text', 'ai.result.text', 'ai.toolCall.result', 'ai.response.object', 'ai.result.object'],
  ...[
    'ai.response.toolCalls',
    'ai.result.toolCalls',
    'gcp.vertex.agent.llm_response',
    'gcp.vertex.agent.tool_response',
  ],
  ...['all_messages_events', 'lk.function_tool.output', 'lk.response.text', 'mlflow.spanOutputs'],
  ...['traceloop.entity.output', 'output.value', 'output', 'final_result', 'tool_response', 'gen_ai.completion'],
  ...['llm.output_messages', 'gen_ai.output.messages', 'gen_ai.tool.call.result'],
];
const METADATA_KEYS = ['langfuse.observation.metadata', 'langfuse.trace.metadata', 'langfuse.metadata'];

/** Attributes in which Langfuse shows media. */
export const MEDIA_ATTRIBUTES: readonly MediaAttribute[] = [
  ...INPUT_KEYS.map((key) => ({ key, field: 'input' as const })),
  ...OUTPUT_KEYS.map((key) => ({ key, field: 'output' as const })),
  ...METADATA_KEYS.map((key) => ({ key, field: 'metadata' as const })),
  ...prefixes('input', ['gen_ai.prompt.', 'llm.input_messages.']),
  ...prefixes('output', ['gen_ai.completion.', 'llm.output_messages.']),
  ...prefixes('metadata', [...METADATA_KEYS.map((key) => `${key}.`), 'ai.telemetry.metadata.']),
];

function prefixes(field: MediaField, keys: readonly string[]): MediaAttribute[] {
  return keys.map((key) => ({ key, isPrefix: true, field }));
}

const EXACT = new Map(MEDIA_ATTRIBUTES.filter(({ isPrefix }) => !isPrefix).map(({ key, field }) => [key, field]));
const PREFIXES = MEDIA_ATTRIBUTES.filter(({ isPrefix }) => isPrefix);

/** Of what the attribute is a part in Langfuse; `undefined` where Langfuse shows no media of it. */
export function mediaFieldOf(key: string): MediaField | undefined {
  return EXACT.get(key) ?? PREFIXES.find((prefix) => key.startsWith(prefix.key))?.field;
}

/** Where in a text a data URI lies. */
export interface DataUri {
  readonly start: number;
  readonly end: number;
  /** `image/png`, without parameters. */
  readonly contentType: string;
  /** The base64 text is that from here up to `end`, and never empty. */
  readonly dataStart: number;
  /** The base64 text has escapes of JSON strings, such as `\/`, that are not yet undone. */
  readonly isEscaped: boolean;
}

const MARK = ';base64,';
const SCHEME = 'data:';
/** Of the media type with its parameters; as far as is looked back from each `;base64,`. */
const TYPE_CHARACTERS_MAX = 200;
/** As Langfuse reads it, a slash possibly escaped (RFC 6838 section 4.2, RFC 2397). */
const HEAD =
  /^data:([A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*\\?\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*)(?:;[A-Za-z0-9!#$&^_.+-]+=[^;,\s"'<>[\]{}\\]+)*$/;

/** The first `max` data URIs in base64 in a text, in linear time whatever the text: nothing is looked at twice. */
export function findDataUris(text: string, max = Number.POSITIVE_INFINITY): DataUri[] {
  const uris: DataUri[] = [];
  let from = 0;
  for (let mark = text.indexOf(MARK); mark !== -1 && uris.length < max; mark = text.indexOf(MARK, from)) {
    const head = headBefore(text, Math.max(from, mark - TYPE_CHARACTERS_MAX - SCHEME.length), mark);
    const dataStart = mark + MARK.length;
    // Of one head right behind another the second one has the data.
    const isData = head !== undefined && !text.startsWith(SCHEME, dataStart);
    const end = isData ? base64End(text, dataStart) : dataStart;
    from = end;
    if (!isData || end === dataStart) continue;
    uris.push({ ...head, end, dataStart, isEscaped: text.slice(dataStart, end).includes('\\') });
  }
  return uris;
}

function headBefore(text: string, from: number, end: number): Pick<DataUri, 'start' | 'contentType'> | undefined {
  const before = text.slice(from, end);
  const at = before.lastIndexOf(SCHEME);
  if (at === -1) return undefined;
  const start = from + at;
  const type = HEAD.exec(before.slice(at))?.[1];
  // `metadata:image/png` is no data URI.
  if (type === undefined || (start > 0 && /[\w-]/.test(text[start - 1]!))) return undefined;
  return { start, contentType: type.replace('\\/', '/') };
}

/**
 * Taken at once, for Node decodes base64 many times faster than JavaScript looks at characters; few of them at first, for
 * what begins like base64 may end soon. Multiples of four, as base64 is.
 */
const CHUNK_CHARACTERS_MIN = 64;
const CHUNK_CHARACTERS_MAX = 4096;

const LETTERS = new Uint8Array(128);
for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') {
  LETTERS[letter.charCodeAt(0)] = 1;
}
const BACKSLASH = 0x5c;

/** Where the base64 that begins at `start` ends, its padding included. Escapes of JSON strings count as what they mean. */
export function base64End(text: string, start: number): number {
  let at = start;
  let characters = CHUNK_CHARACTERS_MIN;
  while (isBase64Chunk(text, at, characters)) {
    at += characters;
    characters = Math.min(2 * characters, CHUNK_CHARACTERS_MAX);
  }
  for (;;) {
    while (isLetter(text, at)) at++;
    const escaped = text.charCodeAt(at) === BACKSLASH ? /^\\(?:\/|u002[bBfF])/.exec(text.slice(at, at + 6)) : null;
    if (escaped === null) break;
    at += escaped[0].length;
  }
  return at + (/^(?:=|\\u003[dD]){1,2}/.exec(text.slice(at, at + 12))?.[0].length ?? 0);
}

const isLetter = (text: string, at: number) => LETTERS[text.charCodeAt(at)] === 1;

/** Node skips what is no base64, takes base64url for it, and of a character beyond ASCII sees the lower half. */
function isBase64Chunk(text: string, at: number, characters: number): boolean {
  // Most that are none show it at one of their ends.
  if (at + characters > text.length || !isLetter(text, at) || !isLetter(text, at + characters - 1)) return false;
  const chunk = text.slice(at, at + characters);
  return (
    Buffer.from(chunk, 'base64').length === (characters / 4) * 3 &&
    Buffer.byteLength(chunk) === characters &&
    !chunk.includes('-') &&
    !chunk.includes('_')
  );
}
