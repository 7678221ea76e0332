import type { Observation } from '../langfuse/observation/observation';

/** Images come as text: some megabytes are usual. */
const PAYLOAD_CHARACTERS_MAX = 8_000_000;
const FIELD_CHARACTERS_MAX = 10_000;
const METADATA_CHARACTERS_MAX = 4_000_000;
const METADATA_KEYS_MAX = 2_000;
const TAGS_MAX = 200;

/** The beginning of a text that is too long, and how much is left out. */
export function cut(text: string, charactersMax: number): string {
  const left = text.length - charactersMax;
  return left > 0 ? `${text.slice(0, charactersMax)}… (${left} more characters)` : text;
}

/** An observation as a page can take it: what a sender may make as long as a request is cut. */
export function cutObservation(observation: Observation): Observation {
  const field = (text: string | null) => (text === null ? null : cut(text, FIELD_CHARACTERS_MAX));
  const payload = (text: string | null) => (text === null ? null : cut(text, PAYLOAD_CHARACTERS_MAX));
  const { name, statusMessage, model, sessionId, userId, traceName, tags, input, output, metadata } = observation;
  return {
    ...observation,
    ...{ name: cut(name, FIELD_CHARACTERS_MAX), statusMessage: field(statusMessage), model: field(model) },
    ...{ sessionId: field(sessionId), userId: field(userId), traceName: field(traceName) },
    tags: tags.slice(0, TAGS_MAX).map((tag) => cut(tag, FIELD_CHARACTERS_MAX)),
    ...{ input: payload(input), output: payload(output), metadata: cutMetadata(metadata) },
  };
}

function cutMetadata(metadata: Observation['metadata']): Observation['metadata'] {
  const entries = Object.entries(metadata);
  let room = METADATA_CHARACTERS_MAX;
  const kept: [string, string][] = [];
  for (const [key, value] of entries.slice(0, METADATA_KEYS_MAX)) {
    if (room <= 0) break;
    const shown = cut(value, room);
    room -= key.length + shown.length;
    kept.push([cut(key, FIELD_CHARACTERS_MAX), shown]);
  }
  if (kept.length < entries.length) kept.push(['…', `${entries.length - kept.length} more keys`]);
  return Object.fromEntries(kept);
}
