import { observe } from '../../../src/langfuse/observation/observation';
import {
  droppedCountsToMetadata,
  isNormalEnvironment,
  kindToMetadata,
  normaliseEnvironment,
  traceStateToMetadata,
} from '../../../src/langfuse/visibility/plain-fields';
import { kvlist } from '../../support/span-builder';
import { TestDraft, type VisibleGiven } from '../../support/visibility-draft';

const OTEL = 'langfuse.observation.metadata.otel.';

const rows: [name: string, rule: (draft: TestDraft) => void, given: VisibleGiven, expected: Record<string, unknown>][] =
  [
    ['no trace state', traceStateToMetadata, {}, {}],
    ['an empty trace state', traceStateToMetadata, { traceState: '' }, {}],
    ['a trace state', traceStateToMetadata, { traceState: 'a=1, b' }, { [`${OTEL}traceState`]: 'a=1, b' }],
    ['INTERNAL', kindToMetadata, { kind: 0 }, {}],
    ['SERVER', kindToMetadata, { kind: 1 }, { [`${OTEL}kind`]: 'SERVER' }],
    ['CLIENT', kindToMetadata, { kind: 2 }, { [`${OTEL}kind`]: 'CLIENT' }],
    ['PRODUCER', kindToMetadata, { kind: 3 }, { [`${OTEL}kind`]: 'PRODUCER' }],
    ['CONSUMER', kindToMetadata, { kind: 4 }, { [`${OTEL}kind`]: 'CONSUMER' }],
    ['a kind to come', kindToMetadata, { kind: 5 }, { [`${OTEL}kind`]: '6' }],
    ['nothing dropped', droppedCountsToMetadata, {}, {}],
    [
      'something dropped',
      droppedCountsToMetadata,
      { droppedAttributesCount: 1, droppedLinksCount: 3 },
      { [`${OTEL}droppedAttributesCount`]: 1, [`${OTEL}droppedLinksCount`]: 3 },
    ],
    ['events dropped', droppedCountsToMetadata, { droppedEventsCount: 2 }, { [`${OTEL}droppedEventsCount`]: 2 }],
  ];
test.each(rows)('%s', (_name, rule, given, expected) => {
  const draft = new TestDraft(given);
  rule(draft);
  rule(draft);
  expect({ ...draft.span.attributes }).toEqual(expected);
});

describe('environment', () => {
  const NAME = 'deployment.environment.name';
  const ORIGINAL = `${OTEL}originalEnvironment`;
  const rows: [name: string, given: VisibleGiven, written: Record<string, unknown>][] = [
    ['none', {}, {}],
    ['as Langfuse likes it', { attributes: { 'langfuse.environment': 'pre-prod_2' } }, {}],
    ['an empty one', { attributes: { 'langfuse.environment': '' } }, {}],
    ['a resource’s', { resource: { 'langfuse.environment': 'Prod' } }, {}],
    ['behind a resource’s', { resource: { 'langfuse.environment': 'a' }, attributes: { [NAME]: 'Prod' } }, {}],
    [
      'upper case',
      { attributes: { 'langfuse.environment': 'Prod' } },
      { 'langfuse.environment': 'prod', [ORIGINAL]: 'Prod' },
    ],
    ['under another key', { attributes: { [NAME]: 'Prod' } }, { 'langfuse.environment': 'prod', [ORIGINAL]: 'Prod' }],
    [
      'before a resource’s',
      { resource: { [NAME]: 'a', 'deployment.environment': 'b' }, attributes: { [NAME]: 'Prod EU' } },
      { 'langfuse.environment': 'default', [ORIGINAL]: 'Prod EU' },
    ],
    [
      '41 characters',
      { attributes: { 'langfuse.environment': 'a'.repeat(41) } },
      { 'langfuse.environment': 'a'.repeat(40), [ORIGINAL]: 'a'.repeat(41) },
    ],
    ['40 characters', { attributes: { 'langfuse.environment': 'a'.repeat(40) } }, {}],
    [
      'a map',
      { attributes: { 'deployment.environment': kvlist({ a: 1 }) } },
      { 'langfuse.environment': 'default', [ORIGINAL]: '{"a":1}' },
    ],
  ];
  test.each(rows)('%s', (_name, given, written) => {
    const draft = new TestDraft(given);
    const { environment } = observe(draft.span);
    normaliseEnvironment(draft);
    normaliseEnvironment(draft);
    expect({ ...draft.span.attributes }).toEqual({ ...given.attributes, ...written });
    expect(observe(draft.span).environment).toBe(environment);
  });

  test('whether a text is normal', () => {
    expect(['prod', 'Prod', '', 'langfuse-x', 'default'].map(isNormalEnvironment)).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
  });
});
