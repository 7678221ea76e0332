import { BROWSER_DENIED, isDeniedToBrowsers } from '../../src/langfuse/browser-denied';
import { environmentOf } from '../../src/langfuse/observation/environment';
import { type Observation, observe } from '../../src/langfuse/observation/observation';
import { isAppRoot, isPublic, releaseOf } from '../../src/langfuse/observation/observation-fields';
import type { PlainValue } from '../../src/langfuse/observation/plain-value';
import { readSpan, type SpanReading } from '../../src/langfuse/observation/span-reading';
import { costOf } from '../../src/langfuse/observation/usage-cost';
import { TRACE_ATTRIBUTES } from '../../src/langfuse/trace-attributes';
import { receivedSpans } from '../support/admission';
import { type Fields, spanOf } from '../support/otlp-twins';
import { atTheDoor, police } from '../support/policing';
import { buildSpan } from '../support/span-builder';

const LEVELS = ['span', 'resource', 'scope'] as const;

/** A failed request of OpenRouter, which is one of a judge where an attribute says so too. */
const JUDGE = JSON.stringify({
  completion: null,
  rawRequest: { trace: { environment: 'langfuse-llm-as-a-judge' } },
});

const VALUES: Fields[] = [
  { boolValue: true },
  ...['true', 'openrouter', 'production', '7', '{"total":7}'].map((stringValue) => ({ stringValue })),
  { doubleValue: 7.5 },
  { kvlistValue: { values: [{ key: 'total', value: { intValue: '7' } }] } },
];

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

/** A span below another one, that holds the attribute at that level. */
function spanWith(level: (typeof LEVELS)[number], key: string, value: Fields): Buffer {
  const at = (each: (typeof LEVELS)[number], ...attributes: Fields[]) => ({
    attributes: level === each ? [...attributes, { key, value }] : attributes,
  });
  const span = spanOf({ parentSpanId: '0102030405060708', ...at('span', text('gen_ai.completion', JUDGE)) });
  const resource = at('resource', text('service.name', 'openrouter'));
  return atTheDoor(
    { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'l', ...at('scope') }, spans: [span] }] }] },
    'protobuf',
  );
}

const observed = (bytes: Buffer): Observation => observe(receivedSpans(bytes)[0]!);

const harmsIn = ({ public: isShared, environment, release, cost, isRoot }: Observation) => ({
  ...{ public: isShared, environment, release, cost, isRoot },
});
const HARMLESS = { public: false, environment: 'default', release: null, cost: null, isRoot: false };

/** What can be set by each key of the table; under a prefix by each key that Langfuse knows. */
const HARMS: [key: string, harm: keyof typeof HARMLESS | undefined][] = [
  ['langfuse.trace.public', 'public'],
  ['langfuse.public', 'public'],
  ['langfuse.internal.is_app_root', 'isRoot'],
  // The legacy ingestion and the data of evaluations: our reading shows neither.
  ['langfuse.internal.as_root', undefined],
  ...['id', 'name', 'metadata', 'metadata.k', 'dataset.id', 'item.id', 'item.root_observation_id'].map(
    (name): [string, undefined] => [`langfuse.experiment.${name}`, undefined],
  ),
  ['langfuse.environment', 'environment'],
  ['deployment.environment.name', 'environment'],
  ['deployment.environment', 'environment'],
  ['openrouter.source', 'environment'],
  ['langfuse.release', 'release'],
  ['langfuse.observation.cost_details', 'cost'],
  ['gen_ai.usage.cost', 'cost'],
  ['llm.cost.total', 'cost'],
];

test('every row of the table is tried', () => {
  const tried = BROWSER_DENIED.map(({ key, isPrefix }) =>
    HARMS.some(([each]) => (isPrefix ? each.startsWith(key) : each === key)),
  );
  expect(tried).toEqual(BROWSER_DENIED.map(() => true));
  expect(new Set(BROWSER_DENIED.map(({ key }) => key)).size).toBe(BROWSER_DENIED.length);
});

describe.each(HARMS)('%s', (key, harm) => {
  test(`sets ${harm ?? 'nothing that is shown'} where nobody minds`, () => {
    const fields = VALUES.map((value) => harmsIn(observed(spanWith('span', key, value))));
    const differing = Object.keys(HARMLESS).filter((field) =>
      fields.some((each) => each[field as keyof typeof HARMLESS] !== HARMLESS[field as keyof typeof HARMLESS]),
    );
    expect(differing).toEqual(harm === undefined ? [] : [harm]);
  });

  test.each(LEVELS)('sets nothing on a %s that came from a page', (level) => {
    for (const value of VALUES) {
      const { bytes, notes } = police(spanWith(level, key, value), { browser: true });
      const observation = observed(bytes);
      expect(harmsIn(observation)).toEqual(HARMLESS);
      expect(Object.keys(observation.metadata).filter((path) => path.includes(key))).toEqual([]);
      expect(notes).toEqual([['browser_denied']]);
    }
  });
});

test.each([
  ...['langfuse.observation.usage_details', 'gen_ai.usage.input_tokens', 'gen_ai.usage.cost_tokens', 'llm.cost.prompt'],
  ...['langfuse.version', 'service.version', 'langfuse.observation.prompt.name', 'langfuse.observation.prompt.version'],
  ...['langfuse.prompt.name', 'langfuse.trace.name', 'langfuse.trace.tags', 'session.id', 'user.id', 'service.name'],
  ...[
    'langfuse.internal',
    'langfuse.experimental',
    'langfuse.trace.public.not',
    'langfuse.environments',
    'LANGFUSE.RELEASE',
  ],
  ...['langfuse.observation.metadata.langfuse.release', '__proto__', 'constructor', ''],
])('%s may be said', (key) => {
  expect(isDeniedToBrowsers(key)).toBe(false);
});

test('Langfuse reads none of it from a key that is not denied', () => {
  const asked = new Set<string>();
  /** It tells which keys were asked for. */
  class Listening extends Map<string, PlainValue> {
    override get(key: string) {
      asked.add(key);
      return super.get(key);
    }
    override has(key: string) {
      asked.add(key);
      return super.has(key);
    }
  }
  const reading = readSpan(buildSpan({ resource: { 'service.name': 'openrouter' } }));
  const span: SpanReading = {
    ...reading,
    attributes: new Listening(reading.attributes),
    resourceAttributes: new Listening(reading.resourceAttributes),
  };
  for (const read of [environmentOf, releaseOf, isPublic, isAppRoot, costOf]) read(span);
  const allowed = ['service.name', 'gen_ai.operation.name'];
  expect([...asked].filter((key) => !isDeniedToBrowsers(key)).sort()).toEqual(allowed.sort());
  expect(asked.size).toBeGreaterThan(allowed.length);
});

test('nor does the gateway carry it from one', () => {
  const carried = TRACE_ATTRIBUTES.filter(({ repair }) =>
    ['trace_release', 'trace_environment', 'trace_public'].includes(repair),
  );
  const keys = carried.flatMap(({ spanKeys, resourceKeys, shownResourceKeys }) => [
    ...[...spanKeys, ...resourceKeys, ...shownResourceKeys],
  ]);
  expect(keys.length).toBeGreaterThan(0);
  expect(keys.filter((key) => !isDeniedToBrowsers(key))).toEqual([]);
});
