import { TRACE_ATTRIBUTES, type TraceRepair } from '../langfuse/trace-attributes';
import { VISIBILITY_REPAIRS, type VisibilityRepair } from '../langfuse/visibility';

/** What is done about ids: one switch for all, `ids` (and `id_derived` only where that says `derive`). */
export const ID_REPAIRS = [
  'id_base64',
  'id_uuid',
  'id_text',
  'id_derived',
  'parent_zero',
  'parent_unreadable',
] as const;

/** What is done about other things that are wrong on the wire. */
export const WIRE_REPAIRS = [
  'link_dropped',
  'kind_unknown',
  'invalid_utf8',
  'attribute_retyped',
  'attribute_value_absent',
  'bytes_to_base64',
  'string_index_removed',
] as const;

/** What a page must not say is left out, where a span came with a browser key. */
export const BROWSER_REPAIRS = ['browser_denied'] as const;

/** Spans that follow the trace context of a request: `traceContext.fromRequest` is its switch. */
export const CONTEXT_REPAIR = 'trace_context';

export type RepairName =
  | (typeof ID_REPAIRS)[number]
  | (typeof WIRE_REPAIRS)[number]
  | (typeof BROWSER_REPAIRS)[number]
  | typeof CONTEXT_REPAIR
  | TraceRepair
  | VisibilityRepair;

/** Every repair by its name: the label in `gateway_spans_repaired_total{repair}` and, but for the first two groups above, the switch under `repairs:` in the configuration file. */
export const REPAIRS: readonly RepairName[] = [
  ...ID_REPAIRS,
  ...WIRE_REPAIRS,
  ...BROWSER_REPAIRS,
  CONTEXT_REPAIR,
  ...TRACE_ATTRIBUTES.map(({ repair }) => repair),
  ...VISIBILITY_REPAIRS,
];
