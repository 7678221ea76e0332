import { SUMMARY_KEYS, SUMMARY_PREFIXES } from '../../src/langfuse/summary-keys';
import type { CanonicalSpan } from './canonical';
import type { CanonicalValue } from './canonical-span';
import { oneOf, type Random } from './random';
import type { Model, ModelValue } from './request-model';

/** Whether an attribute of that key may stay in `metadata` mode. */
export const isAllowed = (key: string) =>
  SUMMARY_KEYS.includes(key) || SUMMARY_PREFIXES.some((prefix) => key.startsWith(prefix));

/** A span as `metadata` mode keeps it, where no field of it is large. */
export const withoutPayload = (span: CanonicalSpan): CanonicalSpan => ({
  ...span,
  ...{ traceState: '', events: [], links: [], status: { message: '', code: span.status.code } },
  attributes: span.attributes.filter(
    ({ key, value }) => SUMMARY_KEYS.includes(key) || (isAllowed(key) && isNumber(value)),
  ),
});

/** What a key with one of the prefixes has to say. */
const isNumber = (value: CanonicalValue | null) =>
  value !== null &&
  ('int' in value ||
    'double' in value ||
    'bool' in value ||
    ('string' in value && /^[-+.\deE]{0,32}$/.test(value.string)));

const KEYS = [...SUMMARY_KEYS, ...SUMMARY_PREFIXES.flatMap((prefix) => [prefix, `${prefix}of.mine`, `${prefix}größe`])];

/** Some attributes of the spans get a key that stays. */
export function withAllowedKeys(request: Model, random: Random): Model {
  return changedSpans(request, (span) => ({
    ...span,
    ...('attributes' in span
      ? {
          attributes: (span.attributes as Model[]).map((attribute) =>
            random() < 0.5 ? { ...attribute, key: oneOf(random, KEYS) } : attribute,
          ),
        }
      : {}),
  }));
}

/** All that is a text in a span, but for its name and what stays, says the word. */
export function withWord(request: Model, word: string): Model {
  const said = (value: ModelValue | ModelValue[] | undefined): ModelValue | ModelValue[] => {
    if (Array.isArray(value)) return value.map((each) => said(each) as ModelValue);
    if (typeof value === 'string') return `${word}${value}`;
    if (typeof value !== 'object' || Buffer.isBuffer(value)) return value as ModelValue;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, said(member)]));
  };
  return changedSpans(request, ({ attributes = [], ...span }) => {
    const { name, ...rest } = span;
    return {
      ...(said(rest) as Model),
      ...(name === undefined ? {} : { name }),
      attributes: (attributes as Model[]).map((attribute) =>
        isAllowed(String(attribute.key)) ? attribute : (said(attribute) as Model),
      ),
    };
  });
}

function changedSpans(request: Model, change: (span: Model) => Model): Model {
  return Object.fromEntries(
    Object.entries(request).map(([name, value]) => {
      if (name === 'spans') return [name, (value as Model[]).map(change)];
      const isGroup = /resourceSpans|scopeSpans|instrumentationLibrarySpans/.test(name);
      return [name, isGroup ? (value as Model[]).map((group) => changedSpans(group, change)) : value];
    }),
  );
}
