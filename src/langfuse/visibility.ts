import type { Draft, Feature } from './draft';
import { MEDIA_ATTRIBUTES } from './media';
import { ENVIRONMENT_KEYS } from './observation/environment';
import {
  avertCrash,
  isBeyondNumbers,
  isInheritedName,
  OPERATION_KEYS,
  spellOutContentEvents,
  TYPE_KEYS,
} from './visibility/crash';
import { eventsToMetadata, exceptionToLevel, linksToMetadata } from './visibility/links-and-events';
import { mayHoldMedia, showMedia } from './visibility/media-parts';
import { spellOutMaps } from './visibility/message-events';
import { isLostText, keepMetadataText, METADATA_TEXT_KEYS } from './visibility/metadata-text';
import {
  droppedCountsToMetadata,
  isNormalEnvironment,
  kindToMetadata,
  normaliseEnvironment,
  traceStateToMetadata,
} from './visibility/plain-fields';
import { dropHalfPromptLink, PROMPT_KEYS, promptVersionToNumber } from './visibility/prompt';
import { DOTTED_PREFIXES } from './visibility/stumbling-paths';
import { fillStart, warnOfEndBeforeStart } from './visibility/times';
import { showTraceInputOutput, TRACE_INPUT_OUTPUT_KEYS } from './visibility/trace-input-output';
import { isUnwieldy, WALKED_KEYS } from './visibility/unwieldy-json';

export { addMetadata, METADATA } from './visibility/metadata';
export { kindText } from './visibility/plain-fields';

/** Something that Langfuse would drop, and how it is put where Langfuse shows it. Applied to its own result it changes nothing. */
export interface VisibilityRule {
  /** Its counter and its switch; `undefined` for a rule that changes nothing and only warns. */
  readonly repair: string | undefined;
  /** Any of these calls for it. */
  readonly features: readonly Feature[];
  readonly what: string;
  readonly why: string;
  readonly apply: (draft: Draft) => void;
}

const VALUES_TO_JSON = {
  repair: 'values_to_json',
  what: 'Maps, bytes, empty lists and lists of several kinds of values become JSON texts.',
  why: 'Langfuse does not decode maps and bytes, and shows the raw OTLP JSON of them.',
} as const;

const CRASH_AVERTED = {
  repair: 'crash_averted',
  what: 'Attributes that Langfuse cannot digest become texts, or move to the metadata under their own name.',
  why: 'Langfuse’s worker throws on them after it has answered 200, and all spans of the batch are lost.',
} as const;

/**
 * In the order in which they are applied. What decides over where Langfuse finds input and output comes before what asks
 * for it: the events.
 */
export const VISIBILITY_RULES = [
  { ...VALUES_TO_JSON, features: ['complexValue'], apply: (draft) => draft.valuesToJson() },
  { ...CRASH_AVERTED, features: ['crash'], apply: avertCrash },
  { ...CRASH_AVERTED, features: ['events'], apply: spellOutContentEvents },
  { ...VALUES_TO_JSON, features: ['events'], apply: spellOutMaps },
  {
    repair: 'metadata_text_kept',
    features: ['metadataText'],
    what: 'Metadata that is a text, a number or a boolean, where Langfuse wants an object, becomes metadata under a name.',
    why: 'Langfuse drops metadata that is neither an object nor a list.',
    apply: keepMetadataText,
  },
  {
    repair: 'media_data_uri',
    features: ['media'],
    what: 'Files in base64 in messages of input and output, such as images, get the prefix of a data URI.',
    why: 'Langfuse takes bare base64 for a text, and shows a wall of letters.',
    apply: showMedia,
  },
  {
    repair: 'trace_input_output',
    features: ['traceInputOutput'],
    what: 'The trace’s input and output become those of the root span where it has none, and metadata elsewhere.',
    why: 'Langfuse 4 reads them nowhere, and does not show them among the attributes.',
    apply: showTraceInputOutput,
  },
  {
    repair: 'exception_to_level',
    features: ['events'],
    what: 'An exception event sets level ERROR and the status message where they are unset and the status is not OK.',
    why: 'Langfuse drops exception events, and the failed span looks like any other.',
    apply: exceptionToLevel,
  },
  {
    repair: 'links_to_metadata',
    features: ['links'],
    what: 'Links become metadata, as JSON.',
    why: 'Langfuse drops links.',
    apply: linksToMetadata,
  },
  {
    repair: 'events_to_metadata',
    features: ['events'],
    what: 'Events become metadata, as JSON, but for those that Langfuse shows as input or output.',
    why: 'Langfuse drops all other events.',
    apply: eventsToMetadata,
  },
  {
    repair: 'trace_state_to_metadata',
    features: ['traceState'],
    what: 'The trace state becomes metadata.',
    why: 'Langfuse drops it.',
    apply: traceStateToMetadata,
  },
  {
    repair: 'kind_to_metadata',
    features: ['kind'],
    what: 'A span kind other than INTERNAL becomes metadata.',
    why: 'Langfuse drops it.',
    apply: kindToMetadata,
  },
  {
    repair: 'dropped_counts_to_metadata',
    features: ['droppedCounts'],
    what: 'The numbers of attributes, events and links that the sender has dropped become metadata.',
    why: 'Langfuse drops them, and nobody sees that something is missing.',
    apply: droppedCountsToMetadata,
  },
  {
    repair: 'prompt_version_to_number',
    features: ['prompt'],
    what: 'A prompt version that is a text of digits becomes a number.',
    why: 'Langfuse’s legacy ingestion drops the whole observation when the version is a text.',
    apply: promptVersionToNumber,
  },
  {
    repair: 'prompt_without_version',
    features: ['prompt'],
    what: 'A link to a prompt without both a name and a whole number as version becomes metadata.',
    why: 'Langfuse’s legacy ingestion drops the whole observation when the link is incomplete.',
    apply: dropHalfPromptLink,
  },
  {
    repair: 'environment_normalised',
    features: ['environment'],
    what: 'The environment of a span is written as Langfuse stores it, and what was sent becomes metadata.',
    why: 'Langfuse lower-cases, cuts or replaces it by “default” without showing what was sent.',
    apply: normaliseEnvironment,
  },
  {
    repair: 'start_absent',
    features: ['startAbsent'],
    what: 'A start that is absent becomes the end, and two absent times become the time of receipt.',
    why: 'Langfuse would take the present at each attempt to deliver the span, and store it once for each.',
    apply: fillStart,
  },
  {
    repair: undefined,
    features: ['endBeforeStart'],
    what: 'A span that ends before it starts is warned of.',
    why: 'Which of the two times is wrong nobody knows.',
    apply: warnOfEndBeforeStart,
  },
] as const satisfies readonly VisibilityRule[];

export type VisibilityRepair = Exclude<(typeof VISIBILITY_RULES)[number]['repair'], undefined>;

export const VISIBILITY_REPAIRS: readonly VisibilityRepair[] = [
  ...new Set(VISIBILITY_RULES.map(({ repair }) => repair).filter((repair) => repair !== undefined)),
];

/** An attribute by its key, or those of the keys that begin so and count. */
export type WatchedAttribute = (
  | { readonly key: string }
  | { readonly prefix: string; readonly onlyKeys: (key: string) => boolean }
) & {
  readonly feature: Feature;
  /** Which values count, where not all do, empty ones included; `text` is `undefined` for a value that is no text. */
  readonly only?: (text: string | undefined) => boolean;
  /** The same by the bytes, for values that are often long: see `WatchedKey`. */
  readonly onlyBytes?: (bytes: Buffer, start: number, end: number) => boolean;
};

/** Cheap to decide for most of the spans that have them. Values that are no texts are looked at by the rule itself. */
export const WATCHED_ATTRIBUTES: readonly WatchedAttribute[] = [
  ...TRACE_INPUT_OUTPUT_KEYS.map((key) => ({ key, feature: 'traceInputOutput' as const })),
  ...PROMPT_KEYS.map((key) => ({ key, feature: 'prompt' as const })),
  ...ENVIRONMENT_KEYS.map((key) => ({ key, feature: 'environment' as const, only: isEnvironmentToSee })),
  ...OPERATION_KEYS.map((key) => ({ key, feature: 'crash' as const, only: mayBeNumber })),
  ...TYPE_KEYS.map((key) => ({ key, feature: 'crash' as const, only: mayBeInheritedName })),
  { key: 'events', feature: 'crash', only: mayBeNoListOfEvents },
  ...WALKED_KEYS.map((key) => ({ key, feature: 'crash' as const, only: mayBeUnwieldy })),
  ...METADATA_TEXT_KEYS.map((key) => ({ key, feature: 'metadataText' as const, only: mayBeLost })),
  ...DOTTED_PREFIXES.map((prefix) => ({ prefix, onlyKeys: mayStumble, feature: 'crash' as const })),
  ...MEDIA_ATTRIBUTES.filter(({ field }) => field !== 'metadata').map(({ key, isPrefix }) => {
    const media = { feature: 'media', onlyBytes: mayHoldMedia } as const;
    return isPrefix ? { prefix: key, onlyKeys: () => true, ...media } : { key, ...media };
  }),
];

/** The keys that OpenLLMetry and OpenInference write for nearly every message. Among these alone nobody stumbles. */
const PLAIN_MEMBER =
  /^(?:gen_ai\.(?:prompt|completion)|llm\.(?:input|output)_messages)\.\d{1,3}\.(?:message\.)?(?!message$|constructor$|prototype$|__proto__$)[a-z_]+$/;

function mayStumble(key: string): boolean {
  return !PLAIN_MEMBER.test(key);
}

function mayBeNumber(text: string | undefined): boolean {
  return text === undefined || isBeyondNumbers(text);
}

function isEnvironmentToSee(text: string | undefined): boolean {
  return text === undefined || (text !== '' && !isNormalEnvironment(text));
}

function mayBeInheritedName(text: string | undefined): boolean {
  return text === undefined || isInheritedName(text);
}

function mayBeUnwieldy(text: string | undefined): boolean {
  return text === undefined || isUnwieldy(text);
}

function mayBeLost(text: string | undefined): boolean {
  return text === undefined || isLostText(text);
}

function mayBeNoListOfEvents(text: string | undefined): boolean {
  return text === undefined || !/^\s*\[/.test(text) || text.includes('null');
}
