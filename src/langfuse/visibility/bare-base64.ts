import { base64At } from '../media';

const CHARACTERS_MIN = 8;
/** The smallest picture, a GIF of one pixel, has 48; most ids and placeholders have less. */
const PLAIN_CHARACTERS_MIN = 40;
/** Enough to see what it is. */
const LOOK_CHARACTERS = 400;

/**
 * How files begin, in base64. No name or id begins so, so these count however short they are: tests and examples write no
 * more of a file. MP3 without tags is not here, for it begins with two slashes.
 */
const MAGIC = [
  'iVBORw0KGgo', // PNG
  '/9j/', // JPEG
  'R0lGOD', // GIF
  'UklGR', // WebP, WAV and AVI, in RIFF
  'JVBERi0', // PDF
  'SUQz', // MP3 with ID3
  'AAAA[A-P][Gm2W]Z0eX', // MP4, M4A, AVIF and HEIC: a length and `ftyp`
  'T2dnU', // Ogg
  'GkXfo', // WebM and Matroska
  'ZkxhQ', // FLAC
  'UEsDB', // what is a ZIP, such as DOCX
  'PHN2Zy', // SVG
];
const BEGINS_WITH_MAGIC = new RegExp(`^(?:${MAGIC.join('|')})`);

/** What all others must have. Hashes and ids in hex or base32 are of one case, with or without digits; words have no digits. */
const LOOKS: readonly RegExp[] = [/[a-z]/, /[A-Z]/, /[0-9+/=]/];
/** Words, numbers, and words with a number behind them, such as those of a path. */
const NAMES = /^(?:[A-Za-z]*\d*\/)*[A-Za-z]*\d*$/;

/** Whether the content of a JSON string is a file in standard base64, with its padding or without any. */
export function isBareBase64(text: string, start: number, end: number): boolean {
  if (end - start < CHARACTERS_MIN) return false;
  const beginning = text.slice(start, Math.min(end, start + LOOK_CHARACTERS)).replaceAll('\\/', '/');
  if (!BEGINS_WITH_MAGIC.test(beginning)) {
    if (end - start < PLAIN_CHARACTERS_MIN) return false;
    if (!LOOKS.every((look) => look.test(beginning)) || NAMES.test(beginning)) return false;
  }
  const base64 = base64At(text, start);
  const rest = base64.letters % 4;
  return base64.end === end && rest !== 1 && (base64.padding === 0 || rest + base64.padding === 4);
}
