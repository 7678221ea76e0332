import type { RepairName } from '../../src/admission/repairs';
import type { CanonicalAttribute, CanonicalSpan, CanonicalValue } from './canonical';

/** What a repair makes of one value; the same value where it has nothing to do. */
const VALUE_REPAIRS = {
  attribute_retyped: (value) => ('misfit' in value ? retyped(value) : value),
  bytes_to_base64: (value) =>
    'bytes' in value ? { string: Buffer.from(value.bytes, 'hex').toString('base64') } : value,
  media_data_uri: (value) => ('string' in value ? withPrefixes(value) : value),
} satisfies Partial<Record<RepairName, (value: CanonicalValue) => CanonicalValue>>;

export type ValueRepair = keyof typeof VALUE_REPAIRS;

/** The spans as these repairs leave them, and how many spans each of them touched. */
export function repairSpans(
  spans: readonly CanonicalSpan[],
  repairs: readonly ValueRepair[],
): { spans: CanonicalSpan[]; touched: Record<string, number> } {
  const touched: Record<string, number> = {};
  const repaired = spans.map((span) =>
    repairs.reduce((before, repair) => {
      let changed = false;
      const after = mapValues(before, (value) => {
        const other = VALUE_REPAIRS[repair](value);
        if (other !== value) changed = true;
        return other;
      });
      if (changed) touched[repair] = (touched[repair] ?? 0) + 1;
      return repair === 'media_data_uri' ? changedLast(before, after) : after;
    }, span),
  );
  return { spans: repaired, touched };
}

/** As the AI SDK and the GenAI conventions write files. */
const BARE_MEDIUM = /("(?:mediaType|mime_type)":"([^"]+)","(?:data|content)":")(?!data:)/g;

function withPrefixes(value: { string: string }): CanonicalValue {
  const string = value.string.replace(BARE_MEDIUM, '$1data:$2;base64,');
  return string === value.string ? value : { string };
}

/** An attribute that is written anew on the way in stands behind those that are not. */
function changedLast(before: CanonicalSpan, after: CanonicalSpan): CanonicalSpan {
  const textOf = (value: CanonicalValue | null | undefined) => value && 'string' in value && value.string;
  const isChanged = ({ value }: CanonicalAttribute, at: number) =>
    textOf(value) !== textOf(before.attributes[at]?.value);
  const kept = after.attributes.filter((entry, at) => !isChanged(entry, at));
  return { ...after, attributes: [...kept, ...after.attributes.filter(isChanged)] };
}

/** What it is, whatever member it stood in: a number is a double, text is a string. */
function retyped({ json, misfit }: Extract<CanonicalValue, { misfit: string }>): CanonicalValue {
  if (typeof json === 'string') return { string: json };
  if (typeof json === 'boolean') return { bool: json };
  if ('number' in json) return { double: Number(json.number) };
  throw new Error(`nothing that ${misfit} can be repaired to`);
}

function mapValues(span: CanonicalSpan, change: (value: CanonicalValue) => CanonicalValue): CanonicalSpan {
  const inAttributes = (attributes: readonly CanonicalAttribute[]): CanonicalAttribute[] =>
    attributes.map((entry) => ({ ...entry, value: entry.value === null ? null : inValue(entry.value) }));
  const inValue = (value: CanonicalValue): CanonicalValue => {
    if ('array' in value) return { array: value.array.map(inValue) };
    if ('kvlist' in value) return { kvlist: inAttributes(value.kvlist) };
    return change(value);
  };
  const inOwner = <Owner extends { attributes: CanonicalAttribute[] }>(owner: Owner): Owner => ({
    ...owner,
    attributes: inAttributes(owner.attributes),
  });
  return {
    ...inOwner(span),
    resource: inOwner(span.resource),
    scope: inOwner(span.scope),
    events: span.events.map(inOwner),
    links: span.links.map(inOwner),
  };
}
