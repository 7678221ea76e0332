import type { Draft } from '../draft';
import {
  CONTENT_EVENTS_RULE,
  contentEventsRead,
  inputOutputOf,
  LOGFIRE_EVENTS_RULE,
  reachesRule,
} from '../observation/input-output';
import { textOf } from '../observation/json';
import { type PlainValue, plainValue } from '../observation/plain-value';
import { readSpan, type SpanReading } from '../observation/span-reading';
import { writeInputOutput } from './message-events';
import { moveToMetadata, textOrJson } from './metadata';
import { DOTTED_PREFIXES, stumblingPaths } from './stumbling-paths';
import { isUnwieldy, WALKED_KEYS } from './unwieldy-json';

/** Langfuse calls `startsWith` on their values (ObservationTypeMapper.ts, `matchesVercelAiSdkOperation`). */
export const OPERATION_KEYS = ['operation.name', 'ai.operationId'];

/** Langfuse looks their values up in a plain object, and calls `toUpperCase` on what it finds (`SimpleAttributeMapper`). */
export const TYPE_KEYS = [
  'langfuse.observation.type',
  'openinference.span.kind',
  'gen_ai.operation.name',
  'genkit:metadata:subtype',
];

const INHERITED_NAMES = new Set(Object.getOwnPropertyNames(Object.prototype));

export const isInheritedName = (text: string) => INHERITED_NAMES.has(text);

/** After moving a path others may fit Langfuse's limits; nobody but an attacker needs a second round. */
const ROUNDS_MAX = 4;

/** What Langfuse's worker throws on, after it has said 200; the whole batch is tried six times, and lost. */
export function avertCrash(draft: Draft): void {
  writeOperationsAsText(draft);
  moveInheritedNames(draft);
  moveUnwieldyJson(draft);
  moveLogfireEvents(draft);
  moveStumblingPaths(draft);
}

function writeOperationsAsText(draft: Draft): void {
  for (const key of OPERATION_KEYS) {
    const value = plainOf(draft, key) ?? null;
    // Langfuse takes null for absent.
    if (value === null) continue;
    const text = textOrJson(draft.span.attributes[key]);
    // Our view shows such a number as a text, and as that text it would not be written anew.
    if (isBeyondNumbers(text)) moveToMetadata(draft, key);
    else if (typeof value !== 'string') draft.replace(key, text);
  }
}

/** What may have been an int64 that JavaScript has no number for; where it was a text of digits, it names no operation. */
export const isBeyondNumbers = (text: string) => /^-?\d{16,19}$/.test(text) && !Number.isSafeInteger(Number(text));

function moveInheritedNames(draft: Draft): void {
  for (const key of TYPE_KEYS) {
    const value = plainOf(draft, key);
    if (value !== undefined && isInheritedName(textOf(value))) moveToMetadata(draft, key);
  }
}

/** Under its own name as metadata it is a text, which Langfuse does not look into. */
function moveUnwieldyJson(draft: Draft): void {
  for (const key of WALKED_KEYS) {
    if (isUnwieldyText(draft.span.attributes[key])) moveToMetadata(draft, key);
  }
}

function moveLogfireEvents(draft: Draft): void {
  const value = draft.span.attributes.events as unknown;
  if (value === undefined || !(isNoListOfEvents(plainValue(value)) || includesNull(value))) return;
  if (reachesRule(readSpan(draft.span), LOGFIRE_EVENTS_RULE)) moveToMetadata(draft, 'events');
}

/** Texts that are no JSON at all, numbers and booleans do no harm. */
function isNoListOfEvents(value: PlainValue): boolean {
  if (typeof value !== 'string') return includesNull(value);
  let events: unknown;
  try {
    events = JSON.parse(value);
  } catch {
    return false;
  }
  return !Array.isArray(events) || includesNull(events);
}

/** An empty value in a list is a null as soon as the list is written as JSON. */
const includesNull = (value: unknown) => Array.isArray(value) && value.includes(null);

function moveStumblingPaths(draft: Draft): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (dottedKeys(draft).length === 0) return;
    const keys = stumblingPaths(readSpan(draft.span));
    if (keys.length === 0) return;
    for (const key of keys) moveToMetadata(draft, key);
  }
  for (const key of dottedKeys(draft)) moveToMetadata(draft, key);
}

const dottedKeys = ({ span }: Draft) =>
  Object.keys(span.attributes).filter((key) => DOTTED_PREFIXES.some((prefix) => key.startsWith(prefix)));

/** Langfuse reads the attributes of these events by the same rules; what it makes of them is written on the span instead. */
export function spellOutContentEvents(draft: Draft): void {
  if (!draft.span.events.some(({ name }) => name.startsWith('gen_ai.content.'))) return;
  const reading = readSpan(draft.span);
  if (!reachesRule(reading, CONTENT_EVENTS_RULE)) return;
  if (
    !contentEventsRead(reading.events).some(({ attributes }) => isStumbling({ ...reading, attributes, events: [] }))
  ) {
    return;
  }
  writeInputOutput(draft, inputOutputOf(reading));
}

const isUnwieldyText = (value: unknown) => typeof value === 'string' && isUnwieldy(value);

function isStumbling(reading: SpanReading): boolean {
  const events = reading.attributes.get('events');
  if (events !== undefined && isNoListOfEvents(events) && reachesRule(reading, LOGFIRE_EVENTS_RULE)) return true;
  if (WALKED_KEYS.some((key) => isUnwieldyText(reading.attributes.get(key)))) return true;
  return stumblingPaths(reading).length > 0;
}

function plainOf({ span }: Draft, key: string): PlainValue | undefined {
  const value = span.attributes[key] as unknown;
  return value === undefined ? undefined : plainValue(value);
}
