/** What can be mended while JSON is read: the names are those of the gateway's repairs. */
export type JsonRepair =
  | 'id_base64'
  | 'parent_unreadable'
  | 'link_dropped'
  | 'kind_unknown'
  | 'invalid_utf8'
  | 'attribute_retyped'
  | 'attribute_value_absent';

export type FaultReason = 'invalid_trace_id' | 'invalid_span_id' | 'invalid_field' | 'too_deep';

/** A span that cannot be read. The message names the field, never its value. */
export class JsonFault extends Error {
  constructor(
    readonly reason: FaultReason,
    readonly description: string,
    readonly path = '',
  ) {
    super(description);
  }

  within(outer: string): JsonFault {
    const joined = this.path === '' || this.path.startsWith('[') ? `${outer}${this.path}` : `${outer}.${this.path}`;
    return new JsonFault(this.reason, this.description, joined);
  }
}
