import type { Draft } from '../draft';
import { mediaFieldOf } from '../media';
import { PartFinder } from './part-finder';

/** Langfuse shows an image where a text of the JSON is a data URI. */
export function showMedia(draft: Draft): void {
  for (const key of Object.keys(draft.span.attributes)) {
    const field = mediaFieldOf(key);
    if (field === undefined || field === 'metadata') continue;
    const value = draft.span.attributes[key];
    if (typeof value === 'string') draft.replace(key, withDataUris(value));
  }
}

/** Of all keys of a media type one of the two is the end; capitals and underscores are rare, so a search is fast. */
const KEY_ENDINGS = ['Type', '_type'];
const KEY_ENDING_BYTES = KEY_ENDINGS.map((ending) => Buffer.from(ending));
const KEY_BEGINNINGS = ['media', 'mime'];
/** `{"type":"file","mediaType":"a/b","data":"AAAAAAAA"}`, in a map without all the signs. */
const PART_BYTES_MIN = 40;
/** Then a closer look costs less than more of these. */
const LOOKS_MAX = 64;
const MEDIA_TYPE_KEY = /m(?:edia|ime)_?[Tt]ype/;
/** In so few one look at a text costs less than two searches in bytes. */
const FEW_BYTES = 1500;

/** Whether there may be something for `showMedia` in these bytes: of a text its own, of any other value all. */
export function mayHoldMedia(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < PART_BYTES_MIN || isLetter(bytes[start]!)) return false;
  if (end - start <= FEW_BYTES) return MEDIA_TYPE_KEY.test(bytes.toString('latin1', start, end));
  const value = bytes.subarray(start, end);
  return KEY_ENDING_BYTES.some((ending) => {
    let at = value.indexOf(ending);
    for (let looks = 0; at !== -1 && looks < LOOKS_MAX; looks++) {
      const before = value.toString('latin1', Math.max(0, at - 5), at);
      if (KEY_BEGINNINGS.some((beginning) => before.endsWith(beginning))) return true;
      at = value.indexOf(ending, at + 1);
    }
    return at !== -1;
  });
}

/** Neither JSON of an object or a list nor a tag of an AnyValue begins with one. */
const isLetter = (byte: number) => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;

/** The text with a prefix before each bare base64 text of such a part; the same text where there is none or it is no JSON. */
export function withDataUris(text: string): string {
  if (!KEY_ENDINGS.some((ending) => text.includes(`${ending}"`))) return text;
  const found = new PartFinder(text).find().sort((one, other) => one.at - other.at);
  const pieces: string[] = [];
  let from = 0;
  for (const { at, mediaType } of found) {
    pieces.push(text.slice(from, at), `data:${mediaType};base64,`);
    from = at;
  }
  return found.length === 0 ? text : pieces.join('') + text.slice(from);
}
