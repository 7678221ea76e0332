import { BROWSER_REPAIRS, ID_REPAIRS, type RepairName, WIRE_REPAIRS } from '../admission/repairs';
import { TRACE_ATTRIBUTES, type TraceRepair } from '../langfuse/trace-attributes';
import { VISIBILITY_RULES, type VisibilityRepair } from '../langfuse/visibility';
import { boolean, integer, oneOf } from './kinds';
import { type Setting, setting } from './setting';

const WIRE_REASONS: Readonly<Record<(typeof WIRE_REPAIRS)[number], string>> = {
  link_dropped: 'A link without readable ids points nowhere; dropping it saves its span',
  kind_unknown: 'A span kind that no table knows says nothing; it is read as unspecified',
  invalid_utf8: 'Bytes that are no UTF-8 become U+FFFD, so that one torn character does not cost the span',
  attribute_retyped: 'A value that is not of its declared type keeps what can be read of it',
  attribute_value_absent: 'A value that cannot be read at all is left empty, its key stays',
  bytes_to_base64: 'Langfuse does not decode bytes; as base64 text they can be seen',
  string_index_removed: 'Indices into a string table belong to the profiles signal and point nowhere in traces',
};

const BROWSER_REASONS: Readonly<Record<(typeof BROWSER_REPAIRS)[number], string>> = {
  browser_denied:
    'What a page must not say is removed from spans of browser keys; off: pages may publish traces and choose environments',
};

const reasons: [SwitchedRepair, string][] = [
  ...WIRE_REPAIRS.map((repair): [SwitchedRepair, string] => [repair, WIRE_REASONS[repair]]),
  ...BROWSER_REPAIRS.map((repair): [SwitchedRepair, string] => [repair, BROWSER_REASONS[repair]]),
  ...TRACE_ATTRIBUTES.map(({ repair, what }): [SwitchedRepair, string] => [
    repair,
    `A span that lacks it takes ${what} from its resource or another span of its trace: Langfuse looks on each span`,
  ]),
  ...VISIBILITY_RULES.flatMap(({ repair, what, why }): [SwitchedRepair, string][] =>
    repair === undefined ? [] : [[repair, `${what} ${why.replace(/\.$/, '')}`]],
  ),
];

/** Every repair that has a switch of its own. */
export type SwitchedRepair =
  | (typeof WIRE_REPAIRS)[number]
  | (typeof BROWSER_REPAIRS)[number]
  | TraceRepair
  | VisibilityRepair;

export const isSwitched = (repair: RepairName): repair is SwitchedRepair => reasons.some(([name]) => name === repair);

/** What is done so that spans mean in Langfuse what their senders meant. */
export const meaning = {
  'repairs.ids': setting({
    kind: oneOf(['normalise', 'derive', 'off']),
    default: 'normalise',
    reason:
      `Ids in another form than hex are read, zero or unreadable parents dropped (${ID_REPAIRS.join(', ')}), else spans ` +
      'are lost; derive makes an id of any other text by SHA-256, so that the same text meets in one trace',
  }),
  ...(Object.fromEntries(
    reasons.map(([repair, reason]) => [`repairs.${repair}`, setting({ kind: boolean, default: true, reason })]),
  ) as Record<`repairs.${SwitchedRepair}`, Setting<boolean>>),
  'traceContext.fromRequest': setting({
    kind: boolean,
    default: true,
    reason:
      'A sender that cannot set the parent of its spans names it in a header, the query or the body (repair trace_context)',
  }),
  'traceContext.traceIdAlone': setting({
    kind: oneOf(['reject', 'accept']),
    default: 'reject',
    reason:
      'Proxies put unrelated X-Trace-IDs on requests; accept: spans without a parent join that trace beside its root',
  }),
  'traceAttributes.maxTraces': setting({
    kind: integer({ min: 1, max: 10_000_000 }),
    default: 100_000,
    reason: 'Traces whose session, user and the like are remembered for spans that come later; at most 64 MiB in all',
  }),
  'traceAttributes.windowS': setting({
    kind: integer({ min: 1, max: 86_400 }),
    default: 600,
    reason: 'How long a trace is remembered after it was last seen, and how long a parent may be behind its children',
  }),
  'warnings.response': setting({
    kind: boolean,
    default: false,
    reason: 'Tells senders in their answer what to mend; some SDKs log each such answer as an error',
  }),
};
