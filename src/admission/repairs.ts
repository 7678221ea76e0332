/** Every repair by its name: the label in `gateway_spans_repaired_total{repair}` and the switch under `repairs:` in the configuration file. */
export const REPAIRS = [
  'id_base64',
  'parent_zero',
  'parent_unreadable',
  'link_dropped',
  'kind_unknown',
  'invalid_utf8',
  'attribute_retyped',
  'attribute_value_absent',
  'bytes_to_base64',
  'string_index_removed',
] as const;
export type RepairName = (typeof REPAIRS)[number];
