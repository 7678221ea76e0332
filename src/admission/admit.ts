import { assembleRequest, type SpanPart } from '../otlp/assemble';
import { TRAITS, VALUE_DEPTH_MAX } from '../otlp/check';
import type { ConvertedRequest } from '../otlp/json-request';
import { type Rewrites, rewriteHead, rewriteSpan } from '../otlp/rewrite';
import type { ScannedRequest, ScannedSpan, ScopeGroup } from '../otlp/scan';
import { RESOURCE_SPANS, SCOPE_SPANS } from '../otlp/schema';
import type { RepairName } from './repairs';

/** The label in `gateway_receiver_rejected_spans_total{reason}`. */
export const REJECTIONS = ['invalid_trace_id', 'invalid_span_id', 'too_deep', 'invalid_field'] as const;
export type RejectionReason = (typeof REJECTIONS)[number];

export interface Rejection {
  readonly reason: RejectionReason;
  /** Path in the request, e.g. `resourceSpans[0].scopeSpans[0].spans[2].traceId`. */
  readonly field: string;
  /** What is wrong with it; never its value. */
  readonly description: string;
}

export interface Admission {
  /** An ExportTraceServiceRequest of the accepted spans; the received bytes themselves where nothing had to change. */
  readonly bytes: Buffer;
  readonly accepted: number;
  readonly rejections: readonly Rejection[];
  /** How many accepted spans each repair touched. */
  readonly repairs: ReadonlyMap<RepairName, number>;
}

type Rule =
  | { trait: number; reject: RejectionReason; field: string; description: string }
  | { trait: number; repair: RepairName; rewrites: Rewrites };

/** What is done about each trait, in order. The first rejection decides. */
const RULES: readonly Rule[] = [
  {
    trait: TRAITS.traceIdInvalid,
    reject: 'invalid_trace_id',
    field: '.traceId',
    description: 'is not an id of 16 bytes that are not all zero',
  },
  {
    trait: TRAITS.spanIdInvalid,
    reject: 'invalid_span_id',
    field: '.spanId',
    description: 'is not an id of 8 bytes that are not all zero',
  },
  {
    trait: TRAITS.tooDeep,
    reject: 'too_deep',
    field: '',
    description: `holds a value nested deeper than ${VALUE_DEPTH_MAX} levels`,
  },
  { trait: TRAITS.parentZero, repair: 'parent_zero', rewrites: { noParent: true } },
  { trait: TRAITS.parentUnreadable, repair: 'parent_unreadable', rewrites: { noParent: true } },
  { trait: TRAITS.invalidUtf8, repair: 'invalid_utf8', rewrites: { utf8: true } },
  { trait: TRAITS.valueAbsent, repair: 'attribute_value_absent', rewrites: { emptyValue: true } },
  { trait: TRAITS.bytesValue, repair: 'bytes_to_base64', rewrites: { base64: true } },
  { trait: TRAITS.stringIndex, repair: 'string_index_removed', rewrites: { noStringIndex: true } },
];

/** What the JSON reader has already found and done, by position of the span. */
export type Converted = Pick<ConvertedRequest, 'faults' | 'repairs' | 'paths'>;

const NOTHING_CONVERTED: Converted = { faults: new Map(), repairs: new Map(), paths: new Map() };

/** Judges each span of a request by itself. It never fails: a bad span is a Rejection. */
export function admit(
  request: ScannedRequest,
  enabled: (repair: RepairName) => boolean,
  converted: Converted = NOTHING_CONVERTED,
): Admission {
  const rejections: Rejection[] = [];
  const repairs = new Map<RepairName, number>();
  const parts: SpanPart[] = [];
  let untouched = converted.faults.size === 0;
  const heads = new HeadRewriter();
  for (const span of request.spans) {
    const traits = span.traits | span.scope.traits | span.scope.resource.traits;
    if (span.scope.resource.legacy) untouched = false;
    const rejection = traits === 0 && converted.faults.size === 0 ? undefined : reject(span, traits, converted);
    if (rejection !== undefined) {
      untouched = false;
      rejections.push(rejection);
      continue;
    }
    const done = new Set<RepairName>(converted.repairs.get(span.ordinal));
    const part =
      traits === 0 ? asItCame(request.bytes, span) : repaired({ request, span, traits, enabled, heads, done });
    if (part.bytes !== request.bytes || heads.changed) untouched = false;
    for (const repair of done) repairs.set(repair, (repairs.get(repair) ?? 0) + 1);
    parts.push(part);
  }
  const bytes = untouched ? request.bytes : Buffer.concat(assembleRequest(parts));
  return { bytes, accepted: parts.length, rejections, repairs };
}

function reject(span: ScannedSpan, traits: number, { faults, paths }: Converted): Rejection | undefined {
  const fault = faults.get(span.ordinal);
  if (fault !== undefined) return { reason: fault.reason, field: fault.path, description: fault.description };
  for (const rule of RULES) {
    if ('reject' in rule && (traits & rule.trait) !== 0) {
      const path = paths.get(span.ordinal) ?? pathOf(span);
      return { reason: rule.reject, field: `${path}${rule.field}`, description: rule.description };
    }
  }
  return undefined;
}

interface Repairing {
  request: ScannedRequest;
  span: ScannedSpan;
  traits: number;
  enabled: (repair: RepairName) => boolean;
  heads: HeadRewriter;
  done: Set<RepairName>;
}

function repaired({ request, span, traits, enabled, heads, done }: Repairing): SpanPart {
  let rewrites: Rewrites = {};
  let own = false;
  for (const rule of RULES) {
    if (!('repair' in rule) || (traits & rule.trait) === 0 || !enabled(rule.repair)) continue;
    done.add(rule.repair);
    rewrites = { ...rewrites, ...rule.rewrites };
    if ((span.traits & rule.trait) !== 0) own = true;
  }
  heads.rewrite(span.scope, rewrites);
  if (!own) return asItCame(request.bytes, span);
  const bytes = rewriteSpan(request.bytes, span, rewrites);
  return { scope: span.scope, bytes, start: 0, end: bytes.length };
}

const asItCame = (bytes: Buffer, { scope, tagStart, end }: ScannedSpan): SpanPart => ({
  scope,
  bytes,
  start: tagStart,
  end,
});

/** Rewrites the heads of resources and scopes in place, each once, when the first of its spans is. */
class HeadRewriter {
  changed = false;
  readonly #done = new Set<object>();

  rewrite(scope: ScopeGroup, rewrites: Rewrites): void {
    this.#one(scope, SCOPE_SPANS, rewrites);
    this.#one(scope.resource, RESOURCE_SPANS, rewrites);
  }

  #one(group: { head: Buffer; traits: number }, message: typeof SCOPE_SPANS, rewrites: Rewrites): void {
    if (group.traits === 0 || this.#done.has(group)) return;
    this.#done.add(group);
    const rewritten = rewriteHead(message, group.head, rewrites);
    // With the repair switched off it comes out as it was.
    if (rewritten.equals(group.head)) return;
    group.head = rewritten;
    this.changed = true;
  }
}

const pathOf = ({ scope, index }: ScannedSpan) =>
  `resourceSpans[${scope.resource.index}].scopeSpans[${scope.index}].spans[${index}]`;
