import { type Stamps, stamp } from '../../src/langfuse/stamp';
import { startAttempt } from '../support/attempts';
import { buildSpan, type SpanGiven } from '../support/span-builder';
import { encodeSpans, numberedSpans } from '../support/trace-request';

type Row = [name: string, span: SpanGiven, expected: Record<string, string>];
const both = { 'langfuse.environment': 'staging', 'langfuse.release': 'r1' };
const release = { 'langfuse.release': 'r1' };
const given = (key: string, value = 'given') => ({ [key]: value });

test.each<Row>([
  ['a span that says nothing', {}, both],
  ['an environment on the span', { attributes: given('langfuse.environment') }, release],
  ['an environment on the resource', { resource: given('langfuse.environment') }, release],
  ["OpenTelemetry's name on the span", { attributes: given('deployment.environment.name') }, release],
  ["OpenTelemetry's name on the resource", { resource: given('deployment.environment.name') }, release],
  ["OpenTelemetry's old name on the resource", { resource: given('deployment.environment') }, release],
  ['an environment that is empty', { attributes: given('langfuse.environment', '') }, release],
  [
    'a release on the span',
    { attributes: given('langfuse.release') },
    { 'langfuse.environment': 'staging', 'langfuse.release': 'given' },
  ],
  ['a release on the resource', { resource: given('langfuse.release') }, { 'langfuse.environment': 'staging' }],
  ['a version is no release', { resource: given('service.version') }, both],
])('%s', (_, span, expected) => {
  const stamped = buildSpan(span);
  stamp(stamped, { environment: 'staging', release: 'r1' });
  expect({ ...stamped.attributes }).toEqual({ ...span.attributes, ...expected });
});

test.each<[string, Stamps, Record<string, string>]>([
  ['nothing configured', {}, {}],
  ['an environment alone', { environment: 'staging' }, { 'langfuse.environment': 'staging' }],
  ['a release alone', { release: 'r1' }, release],
])('%s', (_, configured, expected) => {
  const stamped = buildSpan();
  stamp(stamped, configured);
  expect({ ...stamped.attributes }).toEqual(expected);
});

test('a span that is stamped keeps its bytes but for what is added', () => {
  const [untouched, stamped] = startAttempt(encodeSpans(numberedSpans(2, { attributes: { k: 'v' } }))).spans;
  stamp(stamped!, { environment: 'staging' });
  expect([...stamped!.changedAttributes()]).toEqual([['langfuse.environment', 'staging']]);
  stamp(untouched!, {});
  expect(untouched!.changedAttributes().size).toBe(0);
});
