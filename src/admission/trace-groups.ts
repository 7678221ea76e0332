import { TRACE_ATTRIBUTES, type TraceAttribute, type TraceRepair } from '../langfuse/trace-attributes';
import { plainOrJson, readValue, type Value } from '../otlp/any-value';
import { attributeField, findAttributes } from '../otlp/attribute-fields';
import { TRACE_ID_BYTES } from '../otlp/ids';
import { NO_PARENT } from '../otlp/outline';
import { resourceOf } from '../otlp/resource-view';
import type { ResourceGroup } from '../otlp/scan';
import type { RepairName } from './repairs';
import type { SpanRow } from './span-rows';
import { type Gift, type ResourceFacts, TraceGroup } from './trace-group';
import { REMEMBERED_VALUE_MAX, type TraceMemory } from './trace-memory';

const ATTRIBUTES: readonly TraceAttribute[] = TRACE_ATTRIBUTES;

/**
 * What carried attributes may add to a request beyond its own size. One long session id on a hundred thousand spans is
 * more than anybody can mean.
 */
const GROWTH_BYTES_MAX = 16 * 1024 * 1024;

export interface TraceGroupsOptions {
  readonly bytes: Buffer;
  readonly destination: string;
  readonly memory: TraceMemory;
  readonly enabled: (repair: RepairName) => boolean;
  readonly nowMs: number;
}

/** Carries trace attributes between the spans of a request, and those of earlier requests. */
export class TraceGroups {
  readonly #options: TraceGroupsOptions;
  readonly #groups = new Map<string, TraceGroup>();
  readonly #resources = new Map<ResourceGroup, ResourceFacts>();
  readonly #enabled: number;
  #growthLeft: number;
  #last: TraceGroup | undefined;

  constructor(options: TraceGroupsOptions) {
    this.#options = options;
    this.#growthLeft = GROWTH_BYTES_MAX + options.bytes.length;
    this.#enabled = ATTRIBUTES.reduce(
      (bits, { repair }, position) => (options.enabled(repair as TraceRepair) ? bits | (1 << position) : bits),
      0,
    );
  }

  /** The group of the trace whose id lies there. Neighbours are mostly of one trace. */
  at(traceIdAt: number): TraceGroup {
    const { bytes } = this.#options;
    const traceId = bytes.toString('latin1', traceIdAt, traceIdAt + TRACE_ID_BYTES);
    if (this.#last?.traceId === traceId) return this.#last;
    this.#last = this.of(traceId);
    return this.#last;
  }

  of(traceId: string): TraceGroup {
    const known = this.#groups.get(traceId);
    if (known !== undefined) return known;
    const group = new TraceGroup(traceId);
    this.#groups.set(traceId, group);
    return group;
  }

  /** Takes from a span what is not known of its trace yet. The first value stays, unless a root says otherwise. */
  learn(row: SpanRow): void {
    const { trace } = row;
    const isRoot = row.parentIdAt === NO_PARENT && row.movedTo?.parentSpanId === undefined;
    const facts = this.#factsOf(row);
    const wanted = this.#enabled & (isRoot ? ~trace.fromRoot : ~trace.settled);
    const own = wanted & row.keys;
    if (own !== 0) this.#learnFrom(row, own, isRoot);
    for (const position of positionsIn(wanted & ~row.keys & facts.offers & ~trace.settled)) {
      this.#settle(trace, position, facts.values[position], false);
    }
  }

  #learnFrom({ scanned, trace }: SpanRow, own: number, isRoot: boolean): void {
    const { bytes } = this.#options;
    const positions = [...positionsIn(own)];
    const keys = positions.flatMap((position) => ATTRIBUTES[position]!.spanKeys);
    const found = findAttributes(bytes, scanned, keys);
    for (const position of positions) {
      const attribute = ATTRIBUTES[position]!;
      for (const key of attribute.spanKeys) {
        const field = found.get(key);
        if (field === undefined) continue;
        const value = readValue(bytes, field.valueStart, field.valueEnd);
        // As Langfuse does, which looks on under the next key. NaN and the infinities are null to it.
        if (!value || (typeof value === 'number' && !Number.isFinite(value))) continue;
        this.#settle(trace, position, encoded(attribute, value), isRoot);
        break;
      }
    }
  }

  /** A value that is not carried settles nothing: which of two spans comes first would decide. */
  #settle(trace: TraceGroup, position: number, value: string | undefined, isRoot: boolean): void {
    if (value === undefined) return;
    trace.settled |= 1 << position;
    if (isRoot) trace.fromRoot |= 1 << position;
    const { memory, destination, nowMs } = this.#options;
    trace.values[position] = value;
    memory.rememberValue(destination, trace.traceId, position, value, isRoot, nowMs);
  }

  /** Positions of trace attributes that Langfuse finds neither on the span nor on its resource. */
  lacking(row: SpanRow): number {
    return ALL & ~(row.keys | this.#factsOf(row).has);
  }

  /** What can be put on a span that lacks these: its resource knows better than its trace. */
  gift(row: SpanRow, lacking: number): Gift | undefined {
    const facts = this.#factsOf(row);
    const wanted = lacking & this.#enabled;
    if (wanted === 0) return undefined;
    const cached = row.trace.gifts.get(facts)?.get(wanted);
    if (cached !== undefined) return this.#give(cached.given, cached.appendix.length) ? cached : undefined;
    const { given, fields, length } = this.#wantedFields(wanted, facts, row.trace);
    // Asked before it is made: there may be a resource to each of a hundred thousand spans.
    if (!this.#give(given, length)) return undefined;
    const gift = { given, appendix: Buffer.from(fields.join(''), 'latin1') };
    const gifts = row.trace.gifts.get(facts) ?? new Map<number, Gift>();
    row.trace.gifts.set(facts, gifts.set(wanted, gift));
    return gift;
  }

  /** Whether there is something to give, and room for it. */
  #give(given: number, length: number): boolean {
    if (given === 0 || length > this.#growthLeft) return false;
    this.#growthLeft -= length;
    return true;
  }

  #wantedFields(wanted: number, facts: ResourceFacts, trace: TraceGroup) {
    const fields: string[] = [];
    let given = 0;
    let length = 0;
    for (const position of positionsIn(wanted)) {
      const value = facts.values[position] ?? trace.values[position] ?? this.#remembered(trace)[position];
      if (value === undefined) continue;
      given |= 1 << position;
      length += value.length;
      fields.push(value);
    }
    return { given, fields, length };
  }

  /** What earlier requests told of the trace. */
  #remembered(trace: TraceGroup): readonly (string | undefined)[] {
    const { memory, destination, nowMs } = this.#options;
    trace.remembered ??= memory.recall(destination, trace.traceId, nowMs)?.values ?? [];
    return trace.remembered;
  }

  #factsOf({ scanned }: SpanRow): ResourceFacts {
    const { resource } = scanned.scope;
    const known = this.#resources.get(resource);
    if (known !== undefined) return known;
    const facts = readResource(resource);
    this.#resources.set(resource, facts);
    return facts;
  }
}

const ALL = (1 << ATTRIBUTES.length) - 1;

/** The repairs that a gift stands for. */
export const giftRepairs = (given: number): TraceRepair[] =>
  [...positionsIn(given)].map((position) => TRACE_ATTRIBUTES[position]!.repair);

/** The position of the attribute that is carried by that repair. */
export const traceAttributeBit = (repair: TraceRepair) =>
  1 << TRACE_ATTRIBUTES.findIndex((attribute) => attribute.repair === repair);

/** The keys under which these attributes are put on a span. */
export const giftKeys = (given: number): string[] =>
  [...positionsIn(given)].map((position) => TRACE_ATTRIBUTES[position]!.key);

function* positionsIn(bits: number): Generator<number> {
  for (let position = 0; bits >>> position !== 0; position++) if ((bits & (1 << position)) !== 0) yield position;
}

function readResource(group: ResourceGroup): ResourceFacts {
  const attributes = resourceOf(group).attributes as Record<string, Value>;
  let has = 0;
  const values = ATTRIBUTES.map((attribute, position) => {
    if (attribute.shownResourceKeys.some((key) => Boolean(attributes[key]))) has |= 1 << position;
    const key = attribute.resourceKeys.find((each) => Boolean(attributes[each]));
    return key === undefined ? undefined : encoded(attribute, attributes[key]!);
  });
  const offers = values.reduce((bits, value, position) => (value === undefined ? bits : bits | (1 << position)), 0);
  return { has, offers, values };
}

/** The attribute as a field of a span, as latin1; `undefined` where it is not worth carrying, or too long. */
function encoded({ key, carried }: TraceAttribute, found: Value): string | undefined {
  const value = carried === undefined ? plainOrJson(found) : carried(found);
  if (value === undefined) return undefined;
  const field = attributeField(key, value);
  return field.length > REMEMBERED_VALUE_MAX ? undefined : field.toString('latin1');
}
