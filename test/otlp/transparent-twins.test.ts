import { convert } from '../support/json-conversion';
import { asJson, type Fields, requestOf, spanOf } from '../support/otlp-twins';
import { asTransparent, type ContextForm, convertTransparent } from '../support/transparent-twins';

/** One request as OTLP JSON and as transparent spans: what comes of it must be the same. */
const PARENT = '00f067aa0ba902b7';
const LINK = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const text = (value: string) => ({ stringValue: value });
const attributes = (...values: Fields[]) => values.map((value, at) => ({ key: `k${at}`, value }));
const nested = (levels: number): Fields =>
  levels === 0 ? text('x') : { arrayValue: { values: [nested(levels - 1)] } };

const SPANS: [string, Fields][] = [
  ['ids and times only', {}],
  ['no kind', { kind: undefined }],
  ...[1, 2, 3, 4, 5].map((kind): [string, Fields] => [`kind ${kind}`, { kind }]),
  ['a parent', { parentSpanId: PARENT }],
  ['upper-case ids', { traceId: LINK.traceId.toUpperCase(), spanId: PARENT.toUpperCase(), parentSpanId: PARENT }],
  ['a parent of zeros', { parentSpanId: '0'.repeat(16) }],
  ['flags', { flags: 1 }],
  ['a local parent', { parentSpanId: PARENT, flags: 0x101 }],
  ['a remote parent', { parentSpanId: PARENT, flags: 0x301 }],
  ['remoteness without a parent', { flags: 0x300 }],
  ['a trace state', { traceState: 'a=b,c=d' }],
  ['times of the year 2262', { startTimeUnixNano: '9223372036854775807', endTimeUnixNano: '9223372036854775807' }],
  ['the last time there is', { endTimeUnixNano: '18446744073709551615' }],
  ['no times', { startTimeUnixNano: undefined, endTimeUnixNano: undefined }],
  ['times of zero', { startTimeUnixNano: '0', endTimeUnixNano: '0' }],
  ['a status', { status: { code: 2, message: 'größer 🌳' } }],
  ['a status that is fine', { status: { code: 1 } }],
  ['a status of nothing', { status: {} }],
  ['dropped counts', { droppedAttributesCount: 1, droppedEventsCount: 2, droppedLinksCount: 4294967295 }],
  ['scalars', { attributes: attributes(text(''), { boolValue: false }, { intValue: '-1' }, { doubleValue: 1.5 }) }],
  ['safe integers', { attributes: attributes(...[2 ** 53 - 1, 1 - 2 ** 53, 0].map((n) => ({ intValue: String(n) }))) }],
  ['doubles', { attributes: attributes(...[1e300, -1e-300, 0.1].map((doubleValue) => ({ doubleValue }))) }],
  ['an empty value', { attributes: attributes({}) }],
  [
    'lists',
    { attributes: attributes({ arrayValue: { values: [text('a'), { intValue: 1 }, {}] } }, { arrayValue: {} }) },
  ],
  [
    'maps',
    {
      attributes: attributes(
        {
          kvlistValue: {
            values: [
              { key: '', value: text('a') },
              { key: 'b', value: { kvlistValue: {} } },
            ],
          },
        },
        { kvlistValue: {} },
      ),
    },
  ],
  ['values as deep as allowed', { attributes: attributes(nested(64)) }],
  ['values too deep', { attributes: attributes(nested(65)) }],
  [
    'keys of objects',
    { attributes: ['__proto__', 'constructor', '', 'toString'].map((key) => ({ key, value: text(key) })) },
  ],
  ['escapes', { name: '"\\\u0000\n\u2028é🌳', attributes: [{ key: '\t"', value: text('\\') }] }],
  ['halves of surrogate pairs', { name: '\ud800', attributes: [{ key: '\udc00', value: text('x\ud800') }] }],
  ['events', { events: [{ timeUnixNano: '1544712660300000007', name: 'e', attributes: attributes(text('a')) }, {}] }],
  [
    'dropped counts of events and links',
    { events: [{ droppedAttributesCount: 3 }], links: [{ ...LINK, droppedAttributesCount: 4 }] },
  ],
  ['links', { links: [LINK, { ...LINK, traceState: 'a=b', flags: 1, attributes: attributes(text('a')) }] }],
  [
    'links to here and elsewhere',
    {
      links: [
        { ...LINK, flags: 0x101 },
        { ...LINK, flags: 0x300 },
      ],
    },
  ],
  ['a link without ids', { links: [{ attributes: attributes(text('a')) }] }],
  ['a link with a value too deep', { links: [{ ...LINK, attributes: attributes(nested(65)) }] }],
  ['a link whose ids cannot be read', { links: [LINK, { ...LINK, traceId: 'words' }, LINK] }],
  ['a trace id of words', { traceId: 'words' }],
  ['a name that is a number', { name: 7 }],
  ['a status message that is a list', { status: { message: [] } }],
  ['a count below zero', { droppedLinksCount: -1 }],
];

const REQUESTS: [string, Fields][] = [
  ...SPANS.map(([name, changes]): [string, Fields] => [name, requestOf(spanOf(changes))]),
  ['a span without ids', requestOf(spanOf({ traceId: undefined, spanId: undefined }))],
  ['no spans', requestOf()],
  ['neither resource nor scope', { resourceSpans: [{ scopeSpans: [{ spans: [spanOf()] }] }] }],
  [
    'resource and scope with all they have',
    {
      resourceSpans: [
        {
          resource: { attributes: attributes(text('a'), { boolValue: true }), droppedAttributesCount: 7 },
          schemaUrl: 'https://example.com/r',
          scopeSpans: [
            {
              scope: { name: 'n', version: 'v', attributes: attributes(text('a')), droppedAttributesCount: 8 },
              schemaUrl: 'https://example.com/s',
              spans: [spanOf(), spanOf({ name: 'b' })],
            },
          ],
        },
      ],
    },
  ],
  [
    'many resources and scopes',
    {
      resourceSpans: [0, 1].map((at) => ({
        resource: { attributes: attributes({ intValue: at }) },
        scopeSpans: ['a', 'b'].map((name) => ({ scope: { name }, spans: [spanOf(), spanOf({ name })] })),
      })),
    },
  ],
];

describe.each<ContextForm>(['nested', 'flat'])('contexts %s', (form) => {
  test.each(REQUESTS)('%s', (_, request) => {
    const json = convert(asJson(request).body);
    const transparent = convertTransparent(asTransparent(request, form).body);
    expect(transparent.spans).toEqual(json.spans);
    expect(transparent.repairs).toEqual(json.repairs);
    expect(transparent.faults.map(([position, reason, , description]) => [position, reason, description])).toEqual(
      json.faults.map(([position, reason, , description]) => [position, reason, description]),
    );
  });
});
