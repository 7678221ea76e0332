/** A message of a chat, of whichever convention it was. */
export interface Message {
  readonly role: string;
  readonly name: string | null;
  readonly parts: readonly Part[];
}

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'thinking'; readonly text: string }
  /** A data URI, or an address that is only shown as text. */
  | { readonly kind: 'image'; readonly source: string }
  | { readonly kind: 'file'; readonly mediaType: string; readonly data: string }
  | { readonly kind: 'call'; readonly name: string; readonly id: string | null; readonly input: unknown }
  | { readonly kind: 'result'; readonly name: string | null; readonly id: string | null; readonly output: unknown }
  | { readonly kind: 'other'; readonly value: unknown };

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const firstText = (...values: unknown[]): string | null => values.map(textOf).find((text) => text !== null) ?? null;

const MESSAGES_MAX = 2_000;

/** The messages of a value that is a chat in whole; null for everything else. */
export function messagesOf(value: unknown): readonly Message[] | null {
  if (isFields(value) && Array.isArray(value.messages)) {
    const { messages, system, ...others } = value;
    const chat = messagesOf(messages);
    if (chat === null) return null;
    return [...besides('system', partsOf(system)), ...chat, ...besides('other fields', rest(others))];
  }
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0 || list.length > MESSAGES_MAX || !list.every(isMessage)) return null;
  return list.map(messageOf);
}

const besides = (role: string, parts: readonly Part[]): readonly Message[] =>
  parts.length === 0 ? [] : [{ role, name: null, parts }];

const isBlank = (value: unknown): boolean => value === undefined || value === null || value === '' || isEmpty(value);
const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

const rest = (fields: Fields): readonly Part[] =>
  Object.values(fields).every(isBlank) ? [] : [{ kind: 'other', value: fields }];

const BODIES = ['content', 'parts', 'tool_calls', 'toolCalls', 'function_call'];

function isMessage(value: unknown): value is Fields {
  return isFields(value) && typeof value.role === 'string' && BODIES.some((field) => field in value);
}

function messageOf(message: Fields): Message {
  const { role, name, ...body } = message;
  const thoughts = new Set([message.reasoning_content, message.reasoning].map(textOf));
  const parts: readonly Part[] = [
    ...[...thoughts].flatMap((text): Part[] => (text === null ? [] : [{ kind: 'thinking', text }])),
    ...bodyOf(message),
    ...partsOf(message.refusal),
    ...[message.tool_calls, message.toolCalls, message.function_call].flatMap(callsOf),
  ];
  // Who is shown as empty is empty.
  return { role: String(role), name: textOf(name), parts: parts.length === 0 ? rest(body) : parts };
}

function bodyOf(message: Fields): readonly Part[] {
  const { role, parts, content } = message;
  const isResult = role === 'tool' || role === 'function';
  if (isBlank(parts)) return isResult && typeof content === 'string' ? [resultOf(message, content)] : partsOf(content);
  const written = partsOf(parts);
  // Some say the same twice: as a text and in parts.
  const text = written.map((part) => (part.kind === 'text' ? part.text : '')).join('');
  return content === text ? written : [...partsOf(content), ...written];
}

function callsOf(calls: unknown): readonly Part[] {
  if (isBlank(calls)) return [];
  return Array.isArray(calls) ? calls.map(callOf) : [callOf(calls)];
}

function resultOf(message: Fields, content: string): Part {
  return {
    kind: 'result',
    name: textOf(message.name),
    id: firstText(message.tool_call_id, message.toolCallId),
    output: maybeJson(content),
  };
}

function partsOf(content: unknown): readonly Part[] {
  if (content === null || content === undefined || content === '') return [];
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  return Array.isArray(content) ? content.map(partOf) : [partOf(content)];
}

function partOf(part: unknown): Part {
  if (typeof part === 'string') return { kind: 'text', text: part };
  if (!isFields(part)) return { kind: 'other', value: part };
  const type = part.type ?? 'text';
  const read = typeof type === 'string' ? READERS.get(type) : undefined;
  return read?.(part) ?? { kind: 'other', value: part };
}

type Reader = (part: Fields) => Part | null;

function readText(part: Fields): Part | null {
  const text = firstText(part.text, part.content) ?? part.text;
  return typeof text === 'string' ? { kind: 'text', text } : null;
}

function readThinking(part: Fields): Part | null {
  const text = firstText(part.thinking, part.text, part.reasoning, part.content);
  return text === null ? null : { kind: 'thinking', text };
}

function readImage(part: Fields): Part | null {
  const { image_url: url, source } = part;
  if (isFields(source)) {
    const { data, url: address } = source;
    const mediaType = firstText(source.media_type, source.mediaType) ?? 'image/png';
    if (typeof data === 'string') return { kind: 'image', source: asDataUri(data, mediaType) };
    return typeof address === 'string' ? { kind: 'image', source: address } : null;
  }
  const address = firstText(isFields(url) ? url.url : url, part.image, part.url, part.uri, part.data, part.content);
  const mediaType = firstText(part.mediaType, part.mimeType, part.mime_type) ?? 'image/png';
  return address === null
    ? null
    : { kind: 'image', source: isAddress(address) ? address : asDataUri(address, mediaType) };
}

function readFile(part: Fields): Part | null {
  const source: Fields = isFields(part.file) ? part.file : part;
  const mediaType = firstText(part.mediaType, part.mimeType, part.mime_type, part.media_type) ?? 'file';
  const data = firstText(source.data, source.file_data, source.url, source.uri, source.content);
  if (data === null) return null;
  if (!mediaType.startsWith('image/')) return { kind: 'file', mediaType, data };
  return { kind: 'image', source: isAddress(data) ? data : asDataUri(data, mediaType) };
}

function callOf(call: unknown): Part {
  if (!isFields(call)) return { kind: 'other', value: call };
  const inner: Fields = isFields(call.function) ? call.function : call;
  const name = firstText(inner.name, inner.toolName, inner.tool_name);
  const input = maybeJson(inner.arguments ?? inner.input ?? inner.args ?? null);
  if (name === null && input === null) return { kind: 'other', value: call };
  const id = firstText(call.id, call.toolCallId, call.tool_call_id);
  return { kind: 'call', name: name ?? 'without a name', id, input };
}

function readResult(part: Fields): Part | null {
  const output = part.output ?? part.result ?? part.response ?? part.content ?? null;
  if (output === null) return null;
  return {
    kind: 'result',
    name: firstText(part.toolName, part.name),
    id: firstText(part.toolCallId, part.tool_use_id, part.tool_call_id, part.id),
    output: maybeJson(output),
  };
}

const READERS: ReadonlyMap<string, Reader> = new Map(
  Object.entries<Reader>({
    text: readText,
    input_text: readText,
    output_text: readText,
    thinking: readThinking,
    reasoning: readThinking,
    image: readImage,
    image_url: readImage,
    input_image: readImage,
    blob: readFile,
    uri: readFile,
    file: readFile,
    document: readFile,
    'tool-call': callOf,
    tool_call: callOf,
    tool_use: callOf,
    function_call: callOf,
    'tool-result': readResult,
    tool_result: readResult,
    tool_call_response: readResult,
  }),
);

const isAddress = (text: string): boolean => /^(data:|https?:\/\/|@@@langfuseMedia:|gs:|s3:)/i.test(text);
const asDataUri = (data: string, mediaType: string): string =>
  isAddress(data) ? data : `data:${mediaType};base64,${data}`;

function maybeJson(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
