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
/** As Langfuse reads it, slash and plus possibly escaped (RFC 6838 section 4.2, RFC 2397). */
const HEAD =
  /^data:((?:[A-Za-z0-9!#$&^_.+-]|\\u002[bB])+(?:\\?\/|\\u002[fF])(?:[A-Za-z0-9!#$&^_.+-]|\\u002[bB])+)(?:;[A-Za-z0-9!#$&^_.+-]+=[^;,\s"'<>[\]{}\\]+)*$/;
const TYPE = /^[A-Za-z0-9][^/]*\/[A-Za-z0-9]/;

/**
 * What shows that the data are whole: the end of the text, or a sign, possibly escaped, that has no part in them. Before
 * anything else, such as the dots of who has cut it or the signs of base64url, they may be but a piece of a file.
 */
const ENDING = /^(?:$|[\s"'`<>()[\]{},;]|\\+(?:["'nrtbf]|u00(?:[01][0-9A-Fa-f]|2[027]|3[CcEe]))|[.!?](?:\s|$)|data:)/;
/** Base64 in lines: to some decoders it ends with the first one. */
const NEXT_LINE = /^[ \t]*(?:[\r\n]|\\+(?:[rn]|u000[AaDd]))(?:\s|\\+[rnt]){0,20}[A-Za-z0-9+/]+={0,2}(?:$|["'\\\r\n])/;
/** No word is so long; but in a form each `+` becomes a space. */
const NEXT_PIECE = /^(?:\s|\\+[rnt]){1,20}[A-Za-z0-9+/]{32}/;
const ENDING_CHARACTERS = 150;

/**
 * The first `max` data URIs in base64 in a text that are whole, in linear time whatever the text: nothing is looked at
 * twice. Each is looked for when it is asked for.
 */
export function* findDataUris(text: string, max = Number.POSITIVE_INFINITY): Generator<DataUri> {
  let from = 0;
  let count = 0;
  for (let mark = text.indexOf(MARK); mark !== -1 && count < max; mark = text.indexOf(MARK, from)) {
    const head = headBefore(text, Math.max(from, mark - TYPE_CHARACTERS_MAX - SCHEME.length), mark);
    const dataStart = mark + MARK.length;
    from = dataStart;
    // Of one head right behind another the second one has the data.
    if (head === undefined || text.startsWith(SCHEME, dataStart)) continue;
    const { end, letters, padding } = base64At(text, dataStart);
    from = end;
    if (letters === 0 || letters % 4 === 1 || !isWhole(text, end, padding)) continue;
    count++;
    yield { ...head, end, dataStart, isEscaped: letters + padding < end - dataStart };
  }
}

function headBefore(text: string, from: number, end: number): Pick<DataUri, 'start' | 'contentType'> | undefined {
  const before = text.slice(from, end);
  const at = before.lastIndexOf(SCHEME);
  if (at === -1) return undefined;
  const start = from + at;
  const contentType = contentTypeOf(HEAD.exec(before.slice(at))?.[1] ?? '');
  // `metadata:image/png` is no data URI.
  const isInWord = /[\w-]/.test(text.charAt(start - 1)) && !isBehindEscape(text, start);
  return TYPE.test(contentType) && !isInWord ? { start, contentType } : undefined;
}

/** A media type as it stands in a JSON string that is not yet read. */
export function contentTypeOf(written: string): string {
  return written.replaceAll(/\\(?:\/|u002[fF])/g, '/').replaceAll(/\\u002[bB]/g, '+');
}

const ESCAPE_CHARACTERS = 20;

/** Whether the letter or digit before is the end of an escape, such as that of a line break or a quote. */
function isBehindEscape(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - ESCAPE_CHARACTERS), at);
  const backslashes = /(\\+)(?:[nrtbf]|u00[0-9A-Fa-f]{2})$/.exec(before)?.[1] ?? '';
  // Of two the first one escapes the other.
  return backslashes.length % 2 === 1;
}

function isWhole(text: string, end: number, padding: number): boolean {
  const behind = text.slice(end, end + ENDING_CHARACTERS);
  return ENDING.test(behind) && (padding > 0 || !(NEXT_LINE.test(behind) || NEXT_PIECE.test(behind)));
}

/** Base64 in a text: where it ends, its padding included, and how much there is of it when its escapes are undone. */
export interface Base64 {
  readonly end: number;
  readonly letters: number;
  readonly padding: number;
}

/**
 * Taken at once, for Node decodes base64 many times faster than JavaScript looks at characters; few of them at first, for
 * what begins like base64 may end soon. Multiples of four, as base64 is.
 */
const CHUNK_CHARACTERS_MIN = 64;
const CHUNK_CHARACTERS_MAX = 4096;
/** Gone through one by one before the next chunk is tried: PHP escapes one character in 64. */
const NEAR_CHARACTERS = 256;

const LETTERS = new Uint8Array(128);
for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') {
  LETTERS[letter.charCodeAt(0)] = 1;
}
const [BACKSLASH, SLASH, PLUS, EQUALS] = [0x5c, 0x2f, 0x2b, 0x3d];
const UNICODE_ESCAPE_CHARACTERS = 6;

/** The base64 that begins at `start`. Escapes of JSON strings count as what they mean. */
export function base64At(text: string, start: number): Base64 {
  let at = start;
  let escapes = 0;
  for (let near = start; at >= near; ) {
    at = chunksEnd(text, at);
    near = at + NEAR_CHARACTERS;
    while (at < near) {
      const length = isLetter(text, at) ? 1 : escapeLength(text, at);
      if (length === 0) break;
      at += length;
      escapes += length - 1;
    }
  }
  const letters = at - start - escapes;
  let padding = 0;
  for (let length = paddingLength(text, at); length > 0 && padding < 2; length = paddingLength(text, at)) {
    at += length;
    padding++;
  }
  return { end: at, letters, padding };
}

function chunksEnd(text: string, start: number): number {
  let at = start;
  for (let characters = CHUNK_CHARACTERS_MIN; isBase64Chunk(text, at, characters); ) {
    at += characters;
    characters = Math.min(2 * characters, CHUNK_CHARACTERS_MAX);
  }
  return at;
}

function isLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  // To ask an array for what it does not have is slow from then on.
  return code < LETTERS.length && LETTERS[code] === 1;
}

/** Of what means a slash or a plus; 0 where there is no escape of either. */
function escapeLength(text: string, at: number): number {
  if (text.charCodeAt(at) !== BACKSLASH) return 0;
  if (text.charCodeAt(at + 1) === SLASH) return 2;
  const code = unicodeEscape(text, at);
  return code === SLASH || code === PLUS ? UNICODE_ESCAPE_CHARACTERS : 0;
}

function paddingLength(text: string, at: number): number {
  if (text.charCodeAt(at) === EQUALS) return 1;
  return unicodeEscape(text, at) === EQUALS ? UNICODE_ESCAPE_CHARACTERS : 0;
}

/** What `\u002b` and others of that row or the next one mean, without a text for each; -1 for anything else. */
function unicodeEscape(text: string, at: number): number {
  const row = text.charCodeAt(at + 4) - 0x30;
  // Of a capital and a small letter.
  const column = (text.charCodeAt(at + 5) | 0x20) - 0x61 + 10;
  const isOne =
    text.charCodeAt(at) === BACKSLASH &&
    text.charCodeAt(at + 1) === 0x75 &&
    text.charCodeAt(at + 2) === 0x30 &&
    text.charCodeAt(at + 3) === 0x30;
  return isOne && (row === 2 || row === 3) && column >= 10 && column < 16 ? row * 16 + column : -1;
}

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
