import fc, { type Arbitrary } from 'fast-check';
import { TRACE_ATTRIBUTES } from '../../src/langfuse/trace-attributes';
import { METADATA, WATCHED_ATTRIBUTES } from '../../src/langfuse/visibility';
import { anyValues, type Model } from './request-model';

/**
 * Requests that have much of what the gateway looks at: few ids, so that spans have to do with each other, and the attributes,
 * events, links and times that its rules are about. Each can be written in both encodings.
 */
export function meaningfulRequests({ rejectable = false }: { rejectable?: boolean } = {}): Arbitrary<Model> {
  const scopeSpans = fc.record({
    scope: fc.record({ name: names, attributes: attributesOf(otherKeys) }, { requiredKeys: [] }),
    spans: fc.array(spanModel(rejectable), { minLength: 1, maxLength: 5 }),
  });
  const resourceSpans = fc.record(
    {
      resource: fc.record({ attributes: attributesOf(resourceKeys) }),
      scopeSpans: fc.array(scopeSpans, { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: ['scopeSpans'] },
  );
  return fc.record({ resourceSpans: fc.array(resourceSpans, { minLength: 1, maxLength: 2 }) }) as Arbitrary<Model>;
}

const id = (hex: string, bytes: number) => Buffer.from(hex.repeat(bytes), 'hex');
const traceIds = fc.constantFrom(id('a1', 16), id('b2', 16));
const spanIds = fc.constantFrom(...['01', '02', '03', '04', '05', '06'].map((hex) => id(hex, 8)));
const parentIds = fc.oneof({ weight: 8, arbitrary: spanIds }, fc.constant(Buffer.alloc(8)));
const noId = (bytes: number) => fc.constantFrom(Buffer.alloc(0), Buffer.alloc(bytes));
const seldom = <One>(arbitrary: Arbitrary<One>, other: Arbitrary<One>) => fc.oneof({ weight: 5, arbitrary }, other);

const names = fc.constantFrom('ai', 'genkit-tracer', 'langfuse-sdk', 'pydantic-ai', 'my.library', '');

const traceKeys = TRACE_ATTRIBUTES.flatMap(({ spanKeys }) => spanKeys);
const resourceKeys = fc.constantFrom(
  ...TRACE_ATTRIBUTES.flatMap(({ resourceKeys, shownResourceKeys }) => [...resourceKeys, ...shownResourceKeys]),
  'service.name',
);
const watchedKeys = WATCHED_ATTRIBUTES.flatMap((watched) =>
  'key' in watched ? [watched.key] : [`${watched.prefix}.0.role`, `${watched.prefix}.0`, `${watched.prefix}0`],
);
const otherKeys = fc.constantFrom(
  ...['k', '__proto__', '', 'input', 'langfuse.observation.input', 'langfuse.observation.level'],
  ...['langfuse.observation.metadata.events', 'gen_ai.request.model', 'ai.telemetry.metadata.langfusePrompt'],
  ...Object.values(METADATA),
);
const spanKeys = fc.oneof(fc.constantFrom(...traceKeys), fc.constantFrom(...watchedKeys), otherKeys);

const texts = fc.constantFrom(
  ...['one', 'two', 'true', 'false', '', 'default', 'Prod EU', 'langfuse-x', '3', '3.5', '70000', 'toString'],
  ...['[1,null]', '[]', '{"name":"p","version":3}', 'a,b', 'generation', 'x'.repeat(5000), 'grün'],
);
const values = fc.oneof(
  { weight: 3, arbitrary: fc.record({ stringValue: texts }) },
  { weight: 1, arbitrary: fc.record({ boolValue: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ bytesValue: fc.uint8Array({ maxLength: 3 }).map((each) => Buffer.from(each)) }) },
  { weight: 2, arbitrary: anyValues() },
);

const attributesOf = (keys: Arbitrary<string>) =>
  fc.array(fc.record({ key: keys, value: values }), { maxLength: 5 }) as Arbitrary<Model[]>;

const counts = fc.constantFrom(0, 1, 7);
const states = fc.constantFrom('', 'vendor=1');
const times = fc.constantFrom(0n, 1_767_225_600_000_000_001n, 1_767_225_600_500_000_000n, 2n ** 64n - 1n);
const eventNames = fc.constantFrom(
  ...[
    'exception',
    'note',
    'gen_ai.content.prompt',
    'gen_ai.content.completion',
    'gen_ai.user.message',
    'gen_ai.choice',
  ],
);
const eventKeys = fc.constantFrom('exception.message', 'exception.type', 'gen_ai.prompt', 'content', 'events', 'k');

function spanModel(rejectable: boolean): Arbitrary<Model> {
  const event = fc.record(
    { name: eventNames, timeUnixNano: times, attributes: attributesOf(eventKeys), droppedAttributesCount: counts },
    { requiredKeys: ['name'] },
  );
  const link = fc.record(
    { traceId: traceIds, spanId: spanIds, traceState: states, attributes: attributesOf(otherKeys) },
    { requiredKeys: [] },
  );
  return fc.record(
    {
      traceId: rejectable ? seldom(traceIds, noId(16)) : traceIds,
      spanId: rejectable ? seldom(spanIds, noId(8)) : spanIds,
      parentSpanId: parentIds,
      name: names,
      traceState: states,
      kind: fc.constantFrom(0, 1, 2, 3, 9),
      startTimeUnixNano: times,
      endTimeUnixNano: times,
      attributes: attributesOf(spanKeys),
      droppedAttributesCount: counts,
      events: fc.array(event, { maxLength: 2 }),
      droppedEventsCount: counts,
      links: fc.array(link, { maxLength: 2 }),
      droppedLinksCount: counts,
      status: fc.record({ code: fc.constantFrom(0, 1, 2), message: texts }, { requiredKeys: [] }),
    },
    { requiredKeys: ['traceId', 'spanId'] },
  ) as unknown as Arbitrary<Model>;
}
