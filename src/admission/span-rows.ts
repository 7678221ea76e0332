import type { Feature } from '../langfuse/draft';
import { TRACE_ATTRIBUTES } from '../langfuse/trace-attributes';
import { METADATA, WATCHED_ATTRIBUTES } from '../langfuse/visibility';
import { KeyWatch, type WatchedKey } from '../otlp/key-watch';
import { OUTLINE, type Outline } from '../otlp/outline';
import type { ScannedRequest, ScannedSpan } from '../otlp/scan';
import { SpanOutliner } from '../otlp/span-outline';
import type { TraceContext } from './trace-context';
import type { TraceGroup } from './trace-group';

/** What is known of a span while its request is looked through. */
export interface SpanRow extends Readonly<Outline> {
  readonly scanned: ScannedSpan;
  /** Of the trace it is in now. */
  trace: TraceGroup;
  /** Set where it follows a trace context; a parent only where it gets another one. */
  movedTo?: TraceContext;
}

/** The first bits of `keys` are the trace attributes by their position, the next these features. */
const KEY_FEATURES = [
  'traceInputOutput',
  'prompt',
  'environment',
  'metadataText',
  'crash',
  'media',
] as const satisfies readonly Feature[];

const keyBit = (feature: Feature) =>
  1 << (TRACE_ATTRIBUTES.length + (KEY_FEATURES as readonly Feature[]).indexOf(feature));

/** The span says its kind where Langfuse shows it. */
const KIND_SHOWN = 1 << (TRACE_ATTRIBUTES.length + KEY_FEATURES.length);

const WATCHED: readonly WatchedKey[] = [
  ...TRACE_ATTRIBUTES.flatMap(({ spanKeys }, position) => spanKeys.map((key) => ({ key, bit: 1 << position }))),
  { key: METADATA.kind, bit: KIND_SHOWN },
  ...WATCHED_ATTRIBUTES.map((watched) => {
    const { feature, only, onlyBytes } = watched;
    const key =
      'prefix' in watched ? { key: watched.prefix, isPrefix: true, onlyKeys: watched.onlyKeys } : { key: watched.key };
    return { ...key, bit: keyBit(feature), only, onlyBytes };
  }),
];
const KIND_BITS = bitsOf(['kind']);

/** Of the features in `bits` the row has only its kind, and does not show it yet. */
export const lacksItsKindOnly = ({ features, keys, emptyKeys }: SpanRow, bits: FeatureBits) =>
  (features & bits.features) === KIND_BITS.features && ((keys | emptyKeys) & (bits.keys | KIND_SHOWN)) === 0;

/** What has to be known of a span's attributes. */
export const KEY_WATCH = new KeyWatch(WATCHED);

/** The bits that stand for some features. */
export interface FeatureBits {
  readonly features: number;
  readonly keys: number;
}

export function bitsOf(features: readonly Feature[]): FeatureBits {
  const bits = { features: 0, keys: 0 };
  for (const feature of features) {
    if (feature in OUTLINE) bits.features |= OUTLINE[feature as keyof typeof OUTLINE];
    else bits.keys |= keyBit(feature);
  }
  return bits;
}

export const has = (row: SpanRow, bits: FeatureBits) =>
  (row.features & bits.features) !== 0 || ((row.keys | row.emptyKeys) & bits.keys) !== 0;

/** Reads the rows of a request's spans one after the other. */
export function createRowReader(
  { bytes }: ScannedRequest,
  traceOf: (traceIdAt: number) => TraceGroup,
): (scanned: ScannedSpan) => SpanRow {
  const outliner = new SpanOutliner(bytes, KEY_WATCH);
  return (scanned) => {
    const { traceIdAt, spanIdAt, parentIdAt, kind, features, keys, emptyKeys } =
      scanned.outline ?? outliner.read(scanned.start, scanned.end);
    return { scanned, traceIdAt, spanIdAt, parentIdAt, kind, features, keys, emptyKeys, trace: traceOf(traceIdAt) };
  };
}
