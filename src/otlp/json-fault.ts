/** What can be mended while JSON is read: the names are those of the gateway's repairs. */
export type JsonRepair =
  | 'id_base64'
  | 'id_uuid'
  | 'id_derived'
  | 'parent_unreadable'
  | 'link_dropped'
  | 'kind_unknown'
  | 'invalid_utf8'
  | 'attribute_retyped'
  | 'attribute_value_absent';

export type FaultReason = 'invalid_trace_id' | 'invalid_span_id' | 'invalid_field' | 'too_deep';

/**
 * What is wrong with a span. The message names the field, never its value. It is thrown, but is no Error: a body may hold a
 * hundred thousand bad spans, and the stacks of so many errors would cost more than the reading.
 */
export class JsonFault {
  readonly reason: FaultReason;
  readonly description: string;
  #path = '';

  constructor(reason: FaultReason, description: string) {
    this.reason = reason;
    this.description = description;
  }

  /** Where the fault is, from the message it was found in; from the request at last. */
  get path(): string {
    return this.#path;
  }

  /** Puts the name of the field that holds it in front of the path. It returns itself: a fault per level would be dear. */
  within(outer: string): this {
    const isIndexed = this.#path === '' || this.#path.startsWith('[');
    this.#path = isIndexed ? `${outer}${this.#path}` : `${outer}.${this.#path}`;
    return this;
  }
}
