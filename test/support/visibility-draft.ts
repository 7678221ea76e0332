import type { HrTime, Link } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Draft, Feature, VisibilityWarning } from '../../src/langfuse/draft';
import { VISIBILITY_RULES, WATCHED_ATTRIBUTES } from '../../src/langfuse/visibility';
import { type AttributesGiven, buildSpan, kvlist, type SpanGiven } from './span-builder';

export const RECEIVED_AT: HrTime = [1_800_000_000, 5];

export interface VisibleGiven extends Omit<SpanGiven, 'events'> {
  kind?: number;
  traceState?: string;
  links?: readonly {
    traceState?: string;
    traceFlags?: number;
    isRemote?: boolean;
    attributes?: AttributesGiven;
    droppedAttributesCount?: number;
  }[];
  events?: readonly { name: string; time?: HrTime; attributes?: AttributesGiven; droppedAttributesCount?: number }[];
  droppedAttributesCount?: number;
  droppedEventsCount?: number;
  droppedLinksCount?: number;
}

export const LINKED = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };

/** A plain span with all that rules look at. */
export function buildVisible({ events = [], links = [], traceState, ...given }: VisibleGiven): ReadableSpan {
  const { kind = 0, droppedAttributesCount = 0, droppedEventsCount = 0, droppedLinksCount = 0 } = given;
  const span = buildSpan({ ...given, events });
  return {
    ...span,
    kind,
    droppedAttributesCount,
    droppedEventsCount,
    droppedLinksCount,
    spanContext: () => ({ ...span.spanContext(), ...stateOf(traceState) }),
    events: span.events.map((event, at) => ({ ...event, time: event.time, ...timesOf(events[at]) })),
    links: links.map(({ attributes = {}, traceState: state, droppedAttributesCount: dropped, ...link }) => ({
      context: { ...LINKED, traceFlags: 0, ...link, ...stateOf(state) },
      attributes: kvlist(attributes) as Link['attributes'],
      droppedAttributesCount: dropped ?? 0,
    })),
  };
}

const timesOf = ({ time, droppedAttributesCount = 0 }: { time?: HrTime; droppedAttributesCount?: number } = {}) => ({
  ...(time === undefined ? {} : { time }),
  droppedAttributesCount,
});

const stateOf = (text: string | undefined) =>
  text === undefined ? {} : { traceState: { serialize: () => text } as NonNullable<Link['context']['traceState']> };

/** A draft that does what it is asked to on the span itself. */
export class TestDraft implements Draft {
  readonly span: ReadableSpan;
  readonly isRoot: boolean;
  readonly receivedAt = RECEIVED_AT;
  readonly warnings: VisibilityWarning[] = [];
  readonly #attributes: Record<string, unknown>;

  constructor(given: VisibleGiven) {
    this.span = buildVisible(given);
    this.#attributes = this.span.attributes;
    this.isRoot = this.span.parentSpanContext === undefined;
  }

  add(key: string, value: string | number | boolean): void {
    if (!(key in this.#attributes)) this.#attributes[key] = value;
  }

  replace(key: string, value: string | number | boolean | undefined): void {
    if (value === undefined) delete this.#attributes[key];
    else this.#attributes[key] = value;
  }

  setTimes({ start, end = this.span.endTime }: { start: HrTime; end?: HrTime }): void {
    Object.assign(this.span, { startTime: start, endTime: end });
  }

  valuesToJson(): void {
    for (const [key, value] of Object.entries(this.#attributes)) {
      if (isComplex(value)) this.#attributes[key] = value instanceof Uint8Array ? '"bytes"' : JSON.stringify(value);
    }
  }

  warn(warning: VisibilityWarning): void {
    this.warnings.push(warning);
  }
}

function isComplex(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (!Array.isArray(value) || value.length === 0) return true;
  return value.some((each) => typeof each !== typeof value[0] || typeof each === 'object');
}

/** Names of the rules that changed the draft, in order. */
export function applyRules(draft: TestDraft, rules: readonly (typeof VISIBILITY_RULES)[number][] = VISIBILITY_RULES) {
  const changing: (string | undefined)[] = [];
  for (const { repair, apply } of rules) {
    const before = shown(draft);
    apply(draft);
    if (shown(draft) !== before) changing.push(repair);
  }
  return changing;
}

/** What a rule can change. */
export const shown = ({ span }: TestDraft) => JSON.stringify([span.startTime, span.endTime, span.attributes]);

/** What a span has, by the tables alone. */
export function featuresOf(span: ReadableSpan): Set<Feature> {
  const features = new Set<Feature>();
  const has = (feature: Feature, is: boolean) => is && features.add(feature);
  has('links', span.links.length > 0);
  has('events', span.events.length > 0);
  has('traceState', Boolean(span.spanContext().traceState?.serialize()));
  has('kind', span.kind !== 0);
  has('droppedCounts', span.droppedAttributesCount + span.droppedEventsCount + span.droppedLinksCount > 0);
  has('startAbsent', span.startTime[0] === 0 && span.startTime[1] === 0);
  has('endBeforeStart', span.endTime[0] < span.startTime[0]);
  for (const [key, value] of Object.entries(span.attributes)) {
    has('complexValue', isComplex(value));
    const text = typeof value === 'string' ? value : undefined;
    for (const watched of WATCHED_ATTRIBUTES) {
      const isMeant =
        'prefix' in watched ? key.startsWith(watched.prefix) && watched.onlyKeys(key) : key === watched.key;
      const bytes = Buffer.from(text ?? JSON.stringify(value) ?? '');
      const counts = (watched.only?.(text) ?? true) && (watched.onlyBytes?.(bytes, 0, bytes.length) ?? true);
      has(watched.feature, isMeant && counts);
    }
  }
  return features;
}
