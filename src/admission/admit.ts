import { assembleRequest, type SpanPart } from '../otlp/assemble';
import { TRAITS, VALUE_DEPTH_MAX } from '../otlp/check';
import { editSpan, messageIn } from '../otlp/edit-span';
import type { OriginalIds } from '../otlp/ids';
import type { ConvertedRequest } from '../otlp/json-request';
import { type Rewrites, rewriteSpan } from '../otlp/rewrite';
import type { ScannedRequest, ScannedSpan } from '../otlp/scan';
import { AttributeLimit } from './attribute-limit';
import { HeadRewriter } from './heads';
import { ID_TRAITS, type MendedIds, mendIds } from './id-repairs';
import type { RepairName } from './repairs';

/** The label in `gateway_receiver_rejected_spans_total{reason}`. */
export const REJECTIONS = [
  'invalid_trace_id',
  'invalid_span_id',
  'too_deep',
  'invalid_field',
  'attribute_too_large',
] as const;
export type RejectionReason = (typeof REJECTIONS)[number];

export interface Rejection {
  readonly reason: RejectionReason;
  /** Position of the span in the request, as its sender has counted. */
  readonly ordinal: number;
  /** Position of the span in the request as it was read; another one where its spans were grouped. */
  readonly position: number;
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
  /** What was done to accepted spans, by their position among them. */
  readonly repaired: ReadonlyMap<number, ReadonlySet<RepairName>>;
  /** Ids of theirs that could not be read. */
  readonly originalIds: ReadonlyMap<number, OriginalIds>;
}

type Rule =
  | { trait: number; reject: RejectionReason; field: string; description: string }
  | { trait: number; repair: RepairName; rewrites: Rewrites };

/** What is done about each trait, once ids are mended, in order. The first rejection decides. */
const RULES: readonly Rule[] = [
  {
    trait: TRAITS.traceIdInvalid,
    reject: 'invalid_trace_id',
    field: '.traceId',
    description: 'is missing, all zero, or not of 16 bytes',
  },
  {
    trait: TRAITS.spanIdInvalid,
    reject: 'invalid_span_id',
    field: '.spanId',
    description: 'is missing, all zero, or not of 8 bytes',
  },
  {
    trait: TRAITS.tooDeep,
    reject: 'too_deep',
    field: '',
    description: `holds a value nested deeper than ${VALUE_DEPTH_MAX} levels`,
  },
  { trait: TRAITS.invalidUtf8, repair: 'invalid_utf8', rewrites: { utf8: true } },
  { trait: TRAITS.valueAbsent, repair: 'attribute_value_absent', rewrites: { emptyValue: true } },
  { trait: TRAITS.bytesValue, repair: 'bytes_to_base64', rewrites: { base64: true } },
  { trait: TRAITS.stringIndex, repair: 'string_index_removed', rewrites: { noStringIndex: true } },
];

/** What the JSON reader has already found and done, by position of the span. */
export type Converted = Pick<ConvertedRequest, 'faults' | 'repairs' | 'originalIds' | 'paths' | 'sentAt'>;

const NOTHING_CONVERTED: Converted = {
  faults: new Map(),
  repairs: new Map(),
  originalIds: new Map(),
  paths: new Map(),
};

/**
 * Judges each span of a request by itself. It never fails: a bad span is a Rejection. `maxAttributeBytes` is for each of
 * its attributes, events and links; absent: they may be of any size.
 */
export function admit(
  request: ScannedRequest,
  enabled: (repair: RepairName) => boolean,
  converted: Converted = NOTHING_CONVERTED,
  maxAttributeBytes?: number,
): Admission {
  const rejections: Rejection[] = [];
  const repaired = new Map<number, ReadonlySet<RepairName>>();
  const originalIds = new Map<number, OriginalIds>();
  const parts: SpanPart[] = [];
  let untouched = converted.faults.size === 0;
  const heads = new HeadRewriter();
  const limit = maxAttributeBytes === undefined ? undefined : new AttributeLimit(request.bytes, maxAttributeBytes);
  for (const span of request.spans) {
    const foreign = span.scope.traits | span.scope.resource.traits;
    if (span.scope.resource.legacy) untouched = false;
    const ids = (span.traits & ID_TRAITS) === 0 ? undefined : mendIds(request.bytes, span, span.traits, enabled);
    const traits = (ids?.traits ?? span.traits) | foreign;
    const rejection =
      (traits === 0 && converted.faults.size === 0 ? undefined : reject(span, traits, converted)) ??
      (limit === undefined ? undefined : rejectLarge(span, limit, converted));
    if (rejection !== undefined) {
      untouched = false;
      rejections.push(rejection);
      continue;
    }
    const done = new Set<RepairName>(converted.repairs.get(span.ordinal));
    const part =
      traits === 0 && ids === undefined
        ? asItCame(request.bytes, span)
        : mendedPart({ request, span, ids, traits, enabled, heads, done });
    if (part.bytes !== request.bytes || heads.changed) untouched = false;
    const original = { ...converted.originalIds.get(span.ordinal), ...ids?.originalIds };
    if (done.size > 0) repaired.set(parts.length, done);
    if (Object.keys(original).length > 0) originalIds.set(parts.length, original);
    parts.push(part);
  }
  // What was grouped anew is told of in its sender's order.
  if (converted.sentAt !== undefined) rejections.sort((left, right) => left.ordinal - right.ordinal);
  const bytes = untouched ? request.bytes : Buffer.concat(assembleRequest(parts));
  return { bytes, accepted: parts.length, rejections, repaired, originalIds };
}

function reject(span: ScannedSpan, traits: number, { faults, paths, sentAt }: Converted): Rejection | undefined {
  const place = placeOf(span, sentAt);
  const fault = faults.get(span.ordinal);
  if (fault !== undefined) return { reason: fault.reason, ...place, field: fault.path, description: fault.description };
  for (const rule of RULES) {
    if ('reject' in rule && (traits & rule.trait) !== 0) {
      const path = paths.get(span.ordinal) ?? pathOf(span);
      return { reason: rule.reject, ...place, field: `${path}${rule.field}`, description: rule.description };
    }
  }
  return undefined;
}

function rejectLarge(span: ScannedSpan, limit: AttributeLimit, { paths, sentAt }: Converted): Rejection | undefined {
  const field = limit.find(span, paths.get(span.ordinal) ?? pathOf(span));
  if (field === undefined) return undefined;
  return { reason: 'attribute_too_large', ...placeOf(span, sentAt), field, description: limit.description };
}

const placeOf = ({ ordinal }: ScannedSpan, sentAt: Converted['sentAt']) => {
  return { ordinal: sentAt?.[ordinal] ?? ordinal, position: ordinal };
};

interface Mending {
  request: ScannedRequest;
  span: ScannedSpan;
  ids: MendedIds | undefined;
  traits: number;
  enabled: (repair: RepairName) => boolean;
  heads: HeadRewriter;
  done: Set<RepairName>;
}

function mendedPart({ request, span, ids, traits, enabled, heads, done }: Mending): SpanPart {
  let rewrites: Rewrites = {};
  let own = false;
  for (const rule of RULES) {
    if (!('repair' in rule) || (traits & rule.trait) === 0 || !enabled(rule.repair)) continue;
    done.add(rule.repair);
    rewrites = { ...rewrites, ...rule.rewrites };
    if ((span.traits & rule.trait) !== 0) own = true;
  }
  if (Object.keys(rewrites).length > 0) heads.mend(span.scope, rewrites);
  const edited = ids === undefined ? undefined : editSpan(request.bytes, span, ids.edit);
  // Only when the links were gone through is it known what was done to them; with the repairs off that is nothing.
  const isEdited = edited !== undefined && ids !== undefined && ids.repairs.size > 0;
  for (const repair of ids?.repairs ?? []) done.add(repair);
  if (!own && !isEdited) return asItCame(request.bytes, span);
  const [source, range] = isEdited ? [edited, messageIn(edited)] : [request.bytes, span];
  const bytes = own ? rewriteSpan(source, range, rewrites) : source;
  return { scope: span.scope, bytes, start: 0, end: bytes.length };
}

const asItCame = (bytes: Buffer, { scope, tagStart, end }: ScannedSpan): SpanPart => ({
  scope,
  bytes,
  start: tagStart,
  end,
});

const pathOf = ({ scope, index }: ScannedSpan) =>
  `resourceSpans[${scope.resource.index}].scopeSpans[${scope.index}].spans[${index}]`;
