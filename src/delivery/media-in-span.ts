import { webcrypto } from 'node:crypto';
import { type DataUri, findDataUris, type MediaField, mediaFieldOf } from '../langfuse/media';
import type { DeliverySpan } from './attempt';
import type { Medium } from './media-client';
import type { UploadResult } from './media-uploader';
import type { Retry } from './outcome';

/** In every data URI that holds base64. */
const MARK = ';base64,';
const MARK_BYTES = Buffer.from(MARK);

/** Of one span; the others stay as they are. Each costs a request or three, and a body has room for a million. */
const MEDIA_MAX = 100;

/** Those that may show media, by their bytes: nothing is decoded. */
export function mayHoldMedia(bytes: Buffer, spans: readonly DeliverySpan[]): DeliverySpan[] {
  // Most requests hold none at all.
  if (!bytes.includes(MARK_BYTES)) return [];
  return spans.filter(({ scanned: { start, end } }) => bytes.subarray(start, end).includes(MARK_BYTES));
}

/** What became of media that is done with, by place. */
export type MediaResults = Map<string, Exclude<UploadResult, { kind: 'retry' }>>;

/** Texts of attributes, by key. */
export interface Replaced {
  readonly kind: 'replaced';
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * Uploads what the span's attributes show, one after the other, and resolves to texts with Langfuse's tags in its place
 * once all of it is there; what Langfuse refuses stays as it is. In between others have their turn.
 *
 * @param results what an earlier attempt has come to; what this one comes to is added.
 * @returns what is to become of the span where something is not there.
 */
export async function replaceMedia(
  span: DeliverySpan,
  { upload, results }: { upload: (medium: Medium) => Promise<UploadResult>; results: MediaResults },
): Promise<Replaced | Retry> {
  const { traceId, spanId: observationId } = span.spanContext();
  const texts = new Map<string, string>();
  let looked = 0;
  for (const [key, value] of Object.entries(span.attributes)) {
    const field = mediaFieldOf(key);
    if (field === undefined || typeof value !== 'string' || !value.includes(MARK)) continue;
    await turn();
    const pieces: string[] = [];
    let from = 0;
    for (const uri of findDataUris(value, MEDIA_MAX - looked)) {
      looked++;
      const result = await uploadOnce(value, uri, field);
      if (result?.kind === 'retry') return result;
      if (result?.kind !== 'there') continue;
      pieces.push(value.slice(from, uri.start), tagOf(uri.contentType, result.mediaId));
      from = uri.end;
    }
    if (from > 0) texts.set(key, pieces.join('') + value.slice(from));
  }
  return { kind: 'replaced', texts };

  async function uploadOnce(text: string, uri: DataUri, field: MediaField): Promise<UploadResult | undefined> {
    await turn();
    const { contentType } = uri;
    const content = await contentOf(text, uri);
    if (content.length === 0) return undefined;
    const sha256 = await sha256Of(content);
    const place = `${field} ${contentType} ${sha256}`;
    const known = results.get(place);
    if (known !== undefined) return known;
    const result = await upload({ traceId, observationId, field, contentType, content, sha256 });
    if (result.kind !== 'retry') results.set(place, result);
    return result;
  }
}

/** Node's decoder passes over the backslashes of escaped slashes, but not over other escapes. */
async function contentOf(text: string, { dataStart, end, isEscaped }: DataUri): Promise<Buffer> {
  const base64 = text.slice(dataStart, end);
  return Buffer.from(isEscaped && base64.includes('\\u') ? await meaningOf(base64) : base64, 'base64');
}

/** So much of a text with escapes is read in one turn. */
const ESCAPED_CHARACTERS = 1_000_000;
const ESCAPE_CHARACTERS = '\\u002b'.length;

/** Of a part of a JSON string. */
async function meaningOf(escaped: string): Promise<string> {
  const meanings: string[] = [];
  for (let from = 0; from < escaped.length; ) {
    let to = Math.min(from + ESCAPED_CHARACTERS, escaped.length);
    // Not in the middle of an escape.
    const backslash = escaped.lastIndexOf('\\', to - 1);
    if (to < escaped.length && backslash > to - ESCAPE_CHARACTERS) to = backslash;
    meanings.push(JSON.parse(`"${escaped.slice(from, to)}"`) as string);
    from = to;
    await turn();
  }
  return meanings.join('');
}

/** As Langfuse's SDK writes it where it has found a data URI (@langfuse/core: LangfuseMedia.getTag). */
function tagOf(contentType: string, mediaId: string): string {
  return `@@@langfuseMedia:type=${contentType}|id=${mediaId}|source=base64_data_uri@@@`;
}

/** On another thread: ten megabytes take as many milliseconds. */
async function sha256Of(content: Buffer): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', content)).toString('base64');
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
