export interface Matcher {
  label: string;
  operator: string;
  value: string;
}

export interface Selector {
  metric: string;
  matchers: Matcher[];
}

interface Reading {
  selectors: Selector[];
  /** `word` is one of by, without, on and ignoring. */
  groupings: { word: string; labels: string[] }[];
}

/** The part of PromQL that the alerts and the dashboard use. */
const TOKEN =
  /\s+|(?<text>"(?:[^"\\]|\\.)*")|(?<number>(?:\d+(?:\.\d+)?(?:ms|[smhdwy])?)+)|(?<name>[a-zA-Z_:][\w:]*)|(?<sign>[=!<>]=|[=!]~|[-+*/<>=(){}[\],])/y;
const OPERATORS = new Set(['and', 'or', 'unless', 'offset', 'group_left']);
const GROUPINGS = new Set(['by', 'without', 'on', 'ignoring']);
const FUNCTIONS = new Set([
  ...['sum', 'min', 'max', 'rate', 'increase', 'changes', 'predict_linear', 'histogram_quantile'],
  ...['absent', 'time', 'vector'],
]);

function tokens(expr: string): RegExpMatchArray[] {
  const found = [...expr.matchAll(new RegExp(TOKEN, 'gy'))];
  const length = found.reduce((sum, [token]) => sum + token.length, 0);
  if (length !== expr.length) throw new Error(`cannot be read from: ${expr.slice(length)}`);
  return found.filter(([token]) => token.trim() !== '');
}

/**
 * The metrics and labels that an expression names. Every name is a function, an operator, a list of labels, or else a
 * metric with its matchers. Throws on what it does not know.
 */
export function readPromql(expr: string): Reading {
  const all = tokens(expr.replaceAll('$__rate_interval', '5m'));
  const reading: Reading = { selectors: [], groupings: [] };
  const upTo = (end: string) => {
    const length = all.findIndex(([token]) => token === end);
    if (length === -1) throw new Error(`no ${end}`);
    return all.splice(0, length + 1).slice(0, -1);
  };
  for (let token = all.shift(); token !== undefined; token = all.shift()) {
    const name = token.groups?.name;
    if (token[0] === '{') throw new Error('a selector without a name');
    if (name === undefined || OPERATORS.has(name)) continue;
    const next = all[0]?.[0];
    if (GROUPINGS.has(name)) {
      const labels = upTo(')').filter(({ groups: kinds }) => kinds?.name !== undefined);
      reading.groupings.push({ word: name, labels: labels.map(([label]) => label) });
    } else if (FUNCTIONS.has(name)) continue;
    else if (next === '(') throw new Error(`no function ${name}`);
    else {
      const inside = next === '{' ? upTo('}').slice(1) : [];
      const matchers = inside.filter(([sign]) => sign !== ',').map(([part]) => part);
      reading.selectors.push({ metric: name, matchers: matchersOf(matchers) });
    }
  }
  return reading;
}

function matchersOf(parts: string[]): Matcher[] {
  return Array.from({ length: parts.length / 3 }, (_, index) => {
    const [label, operator, text] = parts.slice(3 * index, 3 * index + 3) as [string, string, string];
    return { label, operator, value: JSON.parse(text) as string };
  });
}

type Labels = Record<string, string>;
/** What the gateway exports: by sample name, the labels of each series. */
export type Exported = Map<string, Labels[]>;

/** Put on by Prometheus at each scrape. */
const TARGET_LABELS = ['job', 'instance'];

/** @param samples names with labels, as they stand in the text of `/metrics`. */
export function exportedFrom(samples: readonly string[]): Exported {
  // Prometheus makes it for each target.
  const exported: Exported = new Map([['up', [{}]]]);
  for (const sample of samples) {
    const [name = ''] = sample.split('{');
    const labels = [...sample.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value]);
    exported.set(name, [...(exported.get(name) ?? []), Object.fromEntries(labels)]);
  }
  return exported;
}

/** Labels that a dashboard's variable fills in are not known here, nor those of the target. */
function holds(series: Labels, { label, operator, value }: Matcher): boolean {
  if (TARGET_LABELS.includes(label) || value.startsWith('$')) return true;
  const isLike = operator.endsWith('~')
    ? new RegExp(`^(?:${value})$`).test(series[label] ?? '')
    : series[label] === value;
  return isLike !== operator.startsWith('!');
}

/**
 * What is wrong with an expression, in words: metrics, labels or values that are not exported.
 *
 * @param templates text that names labels of the result, as {{label}} or {{ $labels.label }}.
 */
export function faults(expr: string, templates: string, exported: Exported): string[] {
  const { selectors, groupings } = readPromql(expr);
  const labelsOf = (metric: string) => (exported.get(metric) ?? []).flatMap(Object.keys);
  const known = new Set([...TARGET_LABELS, ...selectors.flatMap(({ metric }) => labelsOf(metric))]);
  const kept = new Set(known);
  for (const { word, labels } of groupings) {
    for (const label of known) {
      if ((word === 'without' && labels.includes(label)) || (word === 'by' && !labels.includes(label)))
        kept.delete(label);
    }
  }
  const ofSelector = ({ metric, matchers }: Selector) => {
    const series = exported.get(metric);
    if (series === undefined) return [`no metric ${metric}`];
    const strange = matchers.filter(({ label }) => ![...TARGET_LABELS, ...labelsOf(metric)].includes(label));
    if (strange.length > 0) return strange.map(({ label }) => `${metric} has no label ${label}`);
    const isMet = series.some((labels) => matchers.every((matcher) => holds(labels, matcher)));
    return isMet ? [] : [`no series of ${metric} matches`];
  };
  const named = [...templates.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)/g)].map(([, label]) => label!);
  return [
    ...selectors.flatMap(ofSelector),
    ...groupings.flatMap(({ labels }) =>
      labels.filter((label) => !known.has(label)).map((label) => `no label ${label}`),
    ),
    ...named.filter((label) => !kept.has(label)).map((label) => `the result has no label ${label}`),
  ];
}

/** `gateway_delivery_duration_seconds_bucket` is a part of `gateway_delivery_duration_seconds`. */
export const familyOf = (name: string) => name.replace(/_(?:bucket|sum|count)$/, '');
