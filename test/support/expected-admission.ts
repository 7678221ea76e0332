import type { CanonicalSpan } from './canonical';

/** The repairs that a protobuf request may need, as they are told: each on any part of a span, its resource or scope. */
const NODE_REPAIRS: Record<string, (node: Node) => Node> = {
  attribute_value_absent: (node) => ('key' in node && node.value === null ? { ...node, value: { empty: true } } : node),
  bytes_to_base64: (node) =>
    typeof node.bytes === 'string' ? { string: Buffer.from(node.bytes, 'hex').toString('base64') } : node,
  string_index_removed: (node) => {
    if ('stringIndex' in node) return { empty: true };
    const { keyStringIndex, ...others } = node;
    return keyStringIndex === undefined ? node : others;
  },
  parent_zero: (node) => (/^0{16}$/.test(String(node.parentSpanId)) ? { ...node, parentSpanId: '' } : node),
  parent_unreadable: (node) =>
    typeof node.parentSpanId === 'string' && ![0, 16].includes(node.parentSpanId.length)
      ? { ...node, parentSpanId: '' }
      : node,
};

export const NODE_REPAIR_NAMES = Object.keys(NODE_REPAIRS);

type Node = Record<string, unknown>;

/**
 * What admission must make of these spans, told without it: those with bad ids are left out, the others have the repairs
 * that are on. A zero index of a key cannot be seen in the canonical form, so requests should not have one.
 */
export function expectedAdmission(spans: readonly CanonicalSpan[], on: readonly string[]) {
  const good = spans.filter(({ traceId, spanId }) => isId(traceId, 32) && isId(spanId, 16));
  const repairs: Record<string, number> = {};
  const repaired = good.map((span) =>
    on.reduce<CanonicalSpan>((before, name) => {
      const after = mapNodes(before, NODE_REPAIRS[name] as (node: Node) => Node) as CanonicalSpan;
      if (after !== before) repairs[name] = (repairs[name] ?? 0) + 1;
      return after;
    }, span),
  );
  return { spans: repaired, repairs, rejected: spans.length - good.length };
}

const isId = (hex: string, digits: number) => hex.length === digits && !/^0*$/.test(hex);

/** The same object where nothing was changed. */
function mapNodes(value: unknown, change: (node: Node) => Node): unknown {
  if (Array.isArray(value)) {
    const mapped = value.map((element) => mapNodes(element, change));
    return mapped.some((element, at) => !Object.is(element, value[at])) ? mapped : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const own = change(value as Node);
  const entries = Object.entries(own).map(([key, member]) => [key, mapNodes(member, change)] as const);
  const changed = own !== value || entries.some(([key, member]) => !Object.is(member, own[key]));
  return changed ? Object.fromEntries(entries) : value;
}
