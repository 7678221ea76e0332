import type { CanonicalSpan, CanonicalValue } from './canonical';
import { NO_RESOURCE, NO_SCOPE } from './otlp-twins';

/** What a row of the conformance table must lead to, beyond what the table's literal form says. */
export interface LiteralOutcome {
  /** Where the table allows several statuses: the gateway's. */
  status?: number;
  /** What arrives, as changes of T1; not given, T1 alone where the answer is 200 and nothing else. */
  spans?: Partial<CanonicalSpan>[];
  rejected?: Record<string, number>;
  repaired?: Record<string, number>;
}

const EMPTY_ENVELOPES = ['E01', 'E02', 'E03', 'E05', 'E06', 'E16', 'G50'];
const BARE = { resource: NO_RESOURCE, scope: NO_SCOPE };

const none: LiteralOutcome = { spans: [] };
const rejected = (reason: string, ...spans: Partial<CanonicalSpan>[]): LiteralOutcome => ({
  spans,
  rejected: { [reason]: 1 },
});
const span = (changes: Partial<CanonicalSpan>, repair?: string): LiteralOutcome => ({
  spans: [changes],
  ...(repair === undefined ? {} : { repaired: { [repair]: 1 } }),
});
const value = (canonical: CanonicalValue, repair?: string): LiteralOutcome =>
  span({ attributes: [{ key: 'k', value: canonical }] }, repair);

const nested = (levels: number, innermost: CanonicalValue): CanonicalValue =>
  levels === 0 ? innermost : { array: [nested(levels - 1, innermost)] };

/** By row id; a row that is not listed leads to T1 or, refused, to nothing. */
export const LITERAL_OUTCOMES: Readonly<Record<string, LiteralOutcome>> = {
  A06: none,
  A08: { status: 404 },
  B05: { status: 200 },
  B06: { status: 415 },
  ...Object.fromEntries(['D08', 'D09', 'D10', 'D11'].map((id) => [id, { status: 415 }])),
  ...Object.fromEntries(EMPTY_ENVELOPES.map((id) => [id, none])),
  E08: rejected('invalid_trace_id', {}),
  E09: rejected('invalid_trace_id', {}),
  E10: rejected('invalid_trace_id', {}),
  G03: span({}, 'id_base64'),
  G04: rejected('invalid_trace_id'),
  G05: rejected('invalid_trace_id'),
  G06: rejected('invalid_trace_id'),
  G07: rejected('invalid_trace_id'),
  G11: span({}, 'parent_zero'),
  G12: span({ ...BARE, kind: 0, startTimeUnixNano: 1n, endTimeUnixNano: 2n }),
  G17: span({ kind: 0 }, 'kind_unknown'),
  G19: span({ kind: 99 }),
  G20: span({ kind: 0 }),
  G21: span({ status: { code: 2, message: 'm' } }),
  G22: span({ startTimeUnixNano: 1544712660123456789n }),
  G23: span({ startTimeUnixNano: 1544712660123456789n }),
  G24: span({ startTimeUnixNano: 1544712660123456789n }),
  G25: rejected('invalid_field'),
  G26: rejected('invalid_field'),
  G27: span({ startTimeUnixNano: 0n }),
  G28: rejected('invalid_field'),
  G29: value({ int: 9223372036854775807n }),
  G30: value({ int: 9007199254740993n }),
  G31: value({ int: 5n }),
  G32: value({ double: 1.5 }, 'attribute_retyped'),
  G33: value({ string: '3.f14' }, 'attribute_retyped'),
  G34: value({ double: 1e21 }, 'attribute_retyped'),
  G35: value({ double: 3.14 }),
  G36: value({ double: Number.NaN }),
  G38: value({ empty: true }),
  G39: value({ empty: true }),
  G40: value({ empty: true }),
  G41: value({ string: 'true' }, 'attribute_retyped'),
  G42: value({ string: 'AQID' }, 'bytes_to_base64'),
  G43: value({ string: '+/8=' }, 'bytes_to_base64'),
  G44: value({ string: '!!!' }, 'attribute_retyped'),
  G45: value({ empty: true }),
  G46: value({ int: 1n }),
  G47: value({
    array: [
      ...[{ string: 'a' }, { int: 1n }, { empty: true as const }, { array: [] }],
      { kvlist: [{ key: 'x', value: { bool: true } }] },
    ],
  }),
  G48: value({ array: [] }),
  G52: rejected('invalid_field'),
  G53: span({ droppedAttributesCount: 4294967295 }),
  G54: span({ flags: 769 }),
  G55: span({ kind: 0, startTimeUnixNano: 0n, endTimeUnixNano: 0n }),
  G67: value(nested(40, { int: 1n })),
  G70: { status: 200, ...span({ name: 'a\uFFFDb' }, 'invalid_utf8') },
  G71: span({ name: '\uFFFD' }, 'invalid_utf8'),
  G72: span({ ...BARE, kind: 0, startTimeUnixNano: 0n, endTimeUnixNano: 0n }),
  G75: span({ attributes: [{ key: '__proto__', value: { string: 'x' } }] }),
  H10: rejected('invalid_trace_id'),
  H11: rejected('invalid_span_id'),
  H12: rejected('invalid_trace_id'),
  H13: span({ name: 'second' }),
  H15: span({ traceState: '\uFFFD\uFFFD' }, 'invalid_utf8'),
  H21: value({ empty: true }, 'string_index_removed'),
  I01: rejected('invalid_span_id'),
  I03: span({ name: '' }),
  I04: span({ kind: 0 }),
  I05: span({ endTimeUnixNano: 1n }),
  I07: span({ flags: 769 }),
  I08: span({ flags: 4294966273 }),
  I11: span({
    attributes: [
      { key: 'k', value: { string: 'a' } },
      { key: 'k', value: { string: 'b' } },
    ],
  }),
};
