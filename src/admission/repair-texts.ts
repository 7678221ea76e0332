import { TRACE_ATTRIBUTES } from '../langfuse/trace-attributes';
import { VISIBILITY_RULES } from '../langfuse/visibility';
import type { BROWSER_REPAIRS, CONTEXT_REPAIR, ID_REPAIRS, RepairName, WIRE_REPAIRS } from './repairs';

type OnTheWire =
  | (typeof ID_REPAIRS)[number]
  | (typeof WIRE_REPAIRS)[number]
  | (typeof BROWSER_REPAIRS)[number]
  | typeof CONTEXT_REPAIR;

const WIRE_TEXTS: Record<OnTheWire, string> = {
  id_base64: 'An id in base64 becomes hex.',
  id_uuid: 'An id written as a UUID becomes hex.',
  id_text: 'An id whose bytes are hex digits becomes the id that they spell.',
  id_derived: 'A text that is no id becomes one by SHA-256.',
  parent_zero: 'A parent id of zeros is no parent: the span is a root.',
  parent_unreadable: 'A parent id that cannot be read is left out: the span is a root.',
  link_dropped: 'A link that cannot be read is left out.',
  kind_unknown: 'A span kind that is not known becomes unspecified.',
  invalid_utf8: 'What is not UTF-8 in texts becomes U+FFFD.',
  attribute_retyped: 'A value that does not fit its declared type is kept as what it is.',
  attribute_value_absent: 'An attribute without a value gets the empty one.',
  bytes_to_base64: 'Bytes become a base64 text.',
  string_index_removed: 'An index into a string table of profiles is left out.',
  browser_denied: 'What a page must not say is removed: whether the trace is public, environment, release and cost.',
  trace_context: 'The span follows the trace context of its request.',
};

/** What each repair does, in a sentence. */
export const REPAIR_TEXTS = {
  ...WIRE_TEXTS,
  ...Object.fromEntries(
    TRACE_ATTRIBUTES.map(({ repair, what }) => [
      repair,
      `The span takes ${what} from its resource or another span of its trace.`,
    ]),
  ),
  ...Object.fromEntries(VISIBILITY_RULES.map(({ repair, what }) => [repair, what])),
} as Record<RepairName, string>;
