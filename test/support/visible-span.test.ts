import type { CanonicalSpan } from './canonical';
import { Traces } from './carried-attributes';
import { arrivalOf } from './otlp-twins';
import { visible, visibleRepairs } from './visible-span';

const NOTHING = { attributes: [], droppedAttributesCount: 0 };
const PLAIN = arrivalOf({ kind: 1 });
const METADATA = 'langfuse.observation.metadata.otel.';
const text = (key: string, string: string) => ({ key, value: { string } });
const exception = (...attributes: CanonicalSpan['attributes']) => [
  { ...NOTHING, timeUnixNano: 1_500_000_000_000_000_001n, name: 'exception', attributes },
];
const SAID = '[{"name":"exception","time":"2017-07-14T02:40:00.000000001Z","attributes":{"exception.message":"no"}}]';
const LINK = { ...NOTHING, traceId: 'aa'.repeat(16), spanId: 'bb'.repeat(8), traceState: 'a=b', flags: 0x301 };

test('a plain span leaves as it came', () => {
  expect(visible(PLAIN)).toBe(PLAIN);
  expect(visibleRepairs([PLAIN])).toEqual({});
});

test.each<[string, Partial<CanonicalSpan>, CanonicalSpan['attributes'], string[]]>([
  ['a kind', { kind: 3 }, [text(`${METADATA}kind`, 'CLIENT')], ['kind_to_metadata']],
  ['a trace state', { traceState: 'a=b' }, [text(`${METADATA}traceState`, 'a=b')], ['trace_state_to_metadata']],
  [
    'a link',
    { links: [LINK] },
    [
      text(
        `${METADATA}links`,
        `[{"traceId":"${LINK.traceId}","spanId":"${LINK.spanId}","traceState":"a=b","traceFlags":1,"isRemote":true}]`,
      ),
    ],
    ['links_to_metadata'],
  ],
  [
    'an exception',
    { events: exception(text('exception.message', 'no')) },
    [
      text('langfuse.observation.level', 'ERROR'),
      text('langfuse.observation.status_message', 'no'),
      text(`${METADATA}events`, SAID),
    ],
    ['exception_to_level', 'events_to_metadata'],
  ],
  [
    'a link, where the sender has links of its own',
    { links: [{ ...LINK, traceState: '', flags: 0 }], attributes: [text(`${METADATA}links`, 'mine')] },
    [
      text(`${METADATA}links`, 'mine'),
      text(`${METADATA}links_`, `[{"traceId":"${LINK.traceId}","spanId":"${LINK.spanId}"}]`),
    ],
    ['links_to_metadata'],
  ],
  [
    'an exception beside a level that is none',
    { events: exception(), attributes: [text('langfuse.observation.level', 'banana')] },
    [
      text(`${METADATA}originalLevel`, 'banana'),
      text('langfuse.observation.level', 'ERROR'),
      text(`${METADATA}events`, '[{"name":"exception","time":"2017-07-14T02:40:00.000000001Z"}]'),
    ],
    ['exception_to_level', 'events_to_metadata'],
  ],
  [
    'an exception that did not matter',
    { events: exception(text('exception.message', 'no')), status: { code: 1, message: '' } },
    [text(`${METADATA}events`, SAID)],
    ['events_to_metadata'],
  ],
  [
    'metadata that is no object',
    { attributes: [text('langfuse.observation.metadata', '0'), text('langfuse.trace.metadata', '[]')] },
    [
      text('langfuse.observation.metadata', '0'),
      text('langfuse.trace.metadata', '[]'),
      text(`${METADATA}metadata`, '0'),
    ],
    ['metadata_text_kept'],
  ],
  [
    'dropped links',
    { droppedLinksCount: 2 },
    [{ key: `${METADATA}droppedLinksCount`, value: { int: 2n } }],
    ['dropped_counts_to_metadata'],
  ],
])('%s', (_, changes, added, repairs) => {
  const sent = { ...PLAIN, ...changes };
  expect(visible(sent)).toEqual({ ...sent, attributes: added });
  expect(Object.keys(visibleRepairs([sent]))).toEqual(repairs);
});

test.each<[string, CanonicalSpan['attributes'][number]['value'], string]>([
  ['a map', { kvlist: [{ key: 'a', value: { double: Number.NaN } }] }, '{"a":"NaN"}'],
  ['an empty list', { array: [] }, '[]'],
  ['a list of several kinds', { array: [{ int: 1n }, { bool: true }, { empty: true }] }, '[1,true,null]'],
  ['bytes', { bytes: '000102' }, '"AAEC"'],
])('%s becomes a text behind the others', (_, value, json) => {
  const sent = { ...PLAIN, attributes: [{ key: 'k', value }, text('l', 'x')] };
  expect(visible(sent)).toEqual({ ...PLAIN, attributes: [text('l', 'x'), text('k', json)] });
});

test('an absent start is the end', () => {
  expect(visible({ ...PLAIN, startTimeUnixNano: 0n })).toEqual({ ...PLAIN, startTimeUnixNano: PLAIN.endTimeUnixNano });
});

test('two absent times are one since the tests began', () => {
  const { startTimeUnixNano, endTimeUnixNano } = visible({ ...PLAIN, startTimeUnixNano: 0n, endTimeUnixNano: 0n });
  const now = BigInt(Date.now()) * 1_000_000n;
  expect([now, now]).toEqual([startTimeUnixNano, endTimeUnixNano]);
  expect(0n).not.toEqual(startTimeUnixNano);
  expect(0n).not.toEqual(endTimeUnixNano);
});

test('a span takes what it lacks from its trace, where a root knows better than a child', () => {
  const child = { ...PLAIN, parentSpanId: 'cc'.repeat(8), attributes: [text('session.id', 'of the child')] };
  const root = { ...PLAIN, attributes: [text('session.id', 'of the root')] };
  const bare = { ...child, attributes: [] };
  const traces = new Traces();
  const leaveWith = (...request: CanonicalSpan[]) => traces.leave(request).spans.at(-1)!.attributes;
  expect(leaveWith(child, bare)).toEqual([text('session.id', 'of the child')]);
  expect(leaveWith(bare, root, bare)).toEqual([text('session.id', 'of the root')]);
  expect(traces.leave([bare]).repairs).toEqual({ trace_session_id: 1 });
  expect(leaveWith({ ...bare, traceId: 'ee'.repeat(16) })).toEqual([]);
});
