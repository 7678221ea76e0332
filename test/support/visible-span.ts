import { isDeepStrictEqual } from 'node:util';
import type { CanonicalAttribute, CanonicalEvent, CanonicalLink, CanonicalSpan, CanonicalValue } from './canonical';
import { valueJson } from './value-json';
import { shownAttributes } from './views';

/**
 * How a span leaves a gateway with nothing switched off: what Langfuse would drop is put where it shows. Written from the
 * contract and what Langfuse does with a span, not from the code, and for spans that need no more than this: without half
 * prompt links, odd environments and what Langfuse crashes on, with input and output under Langfuse's own keys only.
 */
export function visible(sent: CanonicalSpan): CanonicalSpan {
  return applied(sent).at(-1)!.span;
}

/** How many of the spans each repair touches. */
export function visibleRepairs(sent: readonly CanonicalSpan[]): Record<string, number> {
  const repairs = sent.flatMap((span) => {
    const steps = applied(span);
    return steps.slice(1).filter(({ span: after }, at) => after !== steps[at]!.span);
  });
  return tally(repairs.map(({ repair }) => repair));
}

export function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** The very same span where there is nothing to do. */
type Rule = (span: CanonicalSpan) => CanonicalSpan;

/** Behind the others, unless the span has one of that key. */
function add(span: CanonicalSpan, key: string, value: CanonicalValue | undefined): CanonicalSpan {
  if (value === undefined || valueAt(span, key) !== undefined) return span;
  return append(span, key, value);
}

const append = (span: CanonicalSpan, key: string, value: CanonicalValue): CanonicalSpan => ({
  ...span,
  attributes: [...span.attributes, { key, value }],
});

/** What the gateway says itself; with underscores where the sender has said something else under that name. */
function addOwn(span: CanonicalSpan, key: string, value: CanonicalValue | undefined): CanonicalSpan {
  if (value === undefined) return span;
  const held = valueAt(span, key);
  if (held === undefined) return append(span, key, value);
  return isDeepStrictEqual(held, value) ? span : addOwn(span, `${key}_`, value);
}

/** Of equal keys the last one counts. */
export const valueAt = ({ attributes }: Pick<CanonicalSpan, 'attributes'>, key: string) =>
  attributes.findLast((attribute) => attribute.key === key)?.value ?? undefined;

const OTEL = 'langfuse.observation.metadata.otel.';
const text = (string: string): CanonicalValue | undefined => (string === '' ? undefined : { string });
const count = (number: number): CanonicalValue | undefined => (number === 0 ? undefined : { int: BigInt(number) });
const KINDS: Readonly<Record<string, string>> = { 2: 'SERVER', 3: 'CLIENT', 4: 'PRODUCER', 5: 'CONSUMER' };

/** In the order in which they write. */
const RULES: readonly (readonly [repair: string, rule: Rule])[] = [
  ['values_to_json', valuesToJson],
  ['metadata_text_kept', (span) => METADATA_KEYS.reduce(keepMetadata, span)],
  ['trace_input_output', (span) => SIDES.reduce(traceSide, span)],
  ['exception_to_level', exceptionToLevel],
  ['links_to_metadata', (span) => addOwn(span, `${OTEL}links`, listText(span.links.map(shownLink)))],
  ['events_to_metadata', (span) => addOwn(span, `${OTEL}events`, listText(eventsLost(span).map(shownEvent)))],
  ['trace_state_to_metadata', (span) => addOwn(span, `${OTEL}traceState`, text(span.traceState))],
  ['kind_to_metadata', (span) => (isPlainKind(span) ? span : addOwn(span, `${OTEL}kind`, text(kindName(span))))],
  [
    'dropped_counts_to_metadata',
    (span) =>
      (['droppedAttributesCount', 'droppedEventsCount', 'droppedLinksCount'] as const).reduce(
        (before, name) => addOwn(before, `${OTEL}${name}`, count(span[name])),
        span,
      ),
  ],
  ['start_absent', fillStart],
];

const METADATA_KEYS = [
  ['langfuse.observation.metadata', `${OTEL}metadata`],
  ['langfuse.metadata', `${OTEL}metadata`],
  ['langfuse.trace.metadata', `${OTEL}traceMetadata`],
] as const;

/** Langfuse takes objects only, lists among them; nothing is what need not be shown. */
function keepMetadata(span: CanonicalSpan, [key, kept]: (typeof METADATA_KEYS)[number]): CanonicalSpan {
  const value = valueAt(span, key);
  if (value === undefined) return span;
  if ('bool' in value) return addOwn(span, kept, { string: String(value.bool) });
  if ('int' in value || 'double' in value) return addOwn(span, kept, value);
  return 'string' in value && value.string !== '' && !isObjectOrNull(value.string) ? addOwn(span, kept, value) : span;
}

function isObjectOrNull(json: string): boolean {
  try {
    return typeof JSON.parse(json) === 'object';
  } catch {
    return false;
  }
}

function applied(sent: CanonicalSpan): { repair: string; span: CanonicalSpan }[] {
  const steps = [{ repair: '', span: sent }];
  for (const [repair, rule] of RULES) steps.push({ repair, span: rule(steps.at(-1)!.span) });
  return steps;
}

const isPlainKind = ({ kind }: CanonicalSpan) => kind === 0 || kind === 1;
const kindName = ({ kind }: CanonicalSpan) => KINDS[kind] ?? String(kind);

/** Where they were, values as Langfuse shows them. Those of events and links become texts as a whole. */
export function withJsonValues(span: CanonicalSpan): CanonicalSpan {
  const inOwner = <Owner extends { attributes: CanonicalAttribute[] }>(owner: Owner): Owner =>
    owner.attributes.every(isShown)
      ? owner
      : { ...owner, attributes: owner.attributes.map((each) => ({ ...each, value: asShown(each.value) })) };
  const [resource, scope, own] = [inOwner(span.resource), inOwner(span.scope), inOwner(span)];
  return own === span && resource === span.resource && scope === span.scope ? span : { ...own, resource, scope };
}

/** What is written anew on a span stands behind what came with it. */
function valuesToJson(sent: CanonicalSpan): CanonicalSpan {
  const span = withJsonValues(sent);
  const isUntouched = (_: unknown, at: number) => isShown(sent.attributes[at]!);
  const [untouched, written] = [
    span.attributes.filter(isUntouched),
    span.attributes.filter((_, at) => !isUntouched(_, at)),
  ];
  return span === sent ? sent : { ...span, attributes: [...untouched, ...written] };
}

const isShown = ({ value }: CanonicalAttribute) => asShown(value) === value;

/** Langfuse shows texts, booleans and numbers, and lists of one of the three. */
export function asShown<Value extends CanonicalValue | null>(value: Value): Value | { string: string } {
  if (value === null || !('array' in value || 'kvlist' in value || 'bytes' in value)) return value;
  const kinds = 'array' in value ? value.array.map((element) => JSON_KINDS[Object.keys(element)[0]!]) : [];
  const isPlain = kinds[0] !== undefined && kinds.every((kind) => kind === kinds[0]);
  return isPlain ? value : { string: valueJson(value) };
}

const JSON_KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  bool: 'boolean',
  int: 'number',
  double: 'number',
};

/** What JSON has no form for becomes a text, bytes in base64. */
function json(shown: unknown): string {
  const jsonable = (value: unknown): unknown => {
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
    if (Buffer.isBuffer(value)) return value.toString('base64');
    if (Array.isArray(value)) return value.map(jsonable);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, jsonable(member)]));
  };
  return JSON.stringify(jsonable(shown));
}

const listText = (list: readonly unknown[]) => (list.length === 0 ? undefined : { string: json(list) });

/** The lowest byte of the flags is W3C's; of the next two bits one says that the other means something. */
const shownLink = ({ traceId, spanId, traceState, flags, ...link }: CanonicalLink) => ({
  ...{ traceId, spanId },
  ...(traceState === '' ? {} : { traceState }),
  ...(flags % 256 === 0 ? {} : { traceFlags: flags % 256 }),
  ...(Math.floor(flags / 256) % 4 === 3 ? { isRemote: true } : {}),
  ...described(link),
});

const shownEvent = ({ name, timeUnixNano, ...event }: CanonicalEvent) => ({
  name,
  time: isoTime(timeUnixNano),
  ...described(event),
});

const described = ({ attributes, droppedAttributesCount }: Omit<CanonicalEvent, 'name' | 'timeUnixNano'>) => ({
  ...(attributes.length === 0 ? {} : { attributes: shownAttributes(attributes) }),
  ...(droppedAttributesCount === 0 ? {} : { droppedAttributesCount }),
});

/** Langfuse makes messages of these events, where it finds no input and output under its own keys. */
function eventsLost(span: CanonicalSpan): CanonicalEvent[] {
  const isMessage = ({ name }: CanonicalEvent) => /^gen_ai\.((system|user|assistant|tool)\.message|choice)$/.test(name);
  const hasOwn = SIDES.some(({ own }) => valueAt(span, own) !== undefined);
  return hasOwn ? span.events : span.events.filter((event) => !isMessage(event));
}

/** With all nanoseconds. */
const isoTime = (nanos: bigint) =>
  new Date(Number(nanos / 1_000_000n))
    .toISOString()
    .replace(/\d{3}Z$/, `${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`);

/** The last exception is the one that got away; a status of OK (1) says that it did not matter. */
function exceptionToLevel(span: CanonicalSpan): CanonicalSpan {
  const exception = span.events.findLast(({ name }) => name === 'exception');
  const { code, message } = span.status;
  if (exception === undefined || code === 1) return span;
  const words = [valueAt(exception, 'exception.message'), valueAt(exception, 'exception.type')];
  const said = words.find((value) => value !== undefined && 'string' in value && value.string !== '');
  const levelled = code === 2 ? span : withLevel(span);
  return message === '' ? add(levelled, 'langfuse.observation.status_message', said) : levelled;
}

const LEVEL_WORDS =
  /^\s*(debug|trace|verbose|default|info|log|notice|ok|success|warning|warn|error|fatal|critical)\s*$/i;

/** Unless the sender has set one that Langfuse knows. */
function withLevel(span: CanonicalSpan): CanonicalSpan {
  const key = 'langfuse.observation.level';
  const level = valueAt(span, key);
  if (level !== undefined && 'string' in level && LEVEL_WORDS.test(level.string)) return span;
  const isSaid = level !== undefined && !isDeepStrictEqual(level, { string: '' });
  const kept = isSaid ? addOwn(span, `${OTEL}originalLevel`, level) : span;
  return append({ ...kept, attributes: kept.attributes.filter((each) => each.key !== key) }, key, { string: 'ERROR' });
}

const SIDES = [
  { ofTrace: 'langfuse.trace.input', own: 'langfuse.observation.input', kept: `${OTEL}traceInput` },
  { ofTrace: 'langfuse.trace.output', own: 'langfuse.observation.output', kept: `${OTEL}traceOutput` },
];

/** What the trace shall show is what its root shows, and metadata where the span has something else to show. */
function traceSide(span: CanonicalSpan, { ofTrace, own, kept }: (typeof SIDES)[number]): CanonicalSpan {
  const [sent, shown] = [valueAt(span, ofTrace), valueAt(span, own)];
  if (sent === undefined) return span;
  if (span.parentSpanId === '' && shown === undefined) return add(span, own, sent);
  return JSON.stringify(sent) === JSON.stringify(shown) ? span : addOwn(span, kept, sent);
}

/** A span that starts never starts when it ends; one without times, when it was received. */
function fillStart(span: CanonicalSpan): CanonicalSpan {
  if (span.startTimeUnixNano !== 0n) return span;
  if (span.endTimeUnixNano !== 0n) return { ...span, startTimeUnixNano: span.endTimeUnixNano };
  return { ...span, startTimeUnixNano: TIME_OF_RECEIPT, endTimeUnixNano: TIME_OF_RECEIPT };
}

const LOADED_AT = BigInt(Date.now()) * 1_000_000n;

/** Equals any time since the tests began. */
const TIME_OF_RECEIPT = {
  asymmetricMatch: (other: unknown) => typeof other === 'bigint' && other >= LOADED_AT,
  toString: () => 'TimeOfReceipt',
} as unknown as bigint;
