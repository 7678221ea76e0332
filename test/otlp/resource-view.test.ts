import { resourceFromAttributes } from '@opentelemetry/resources';
import { resourceOf, scopeOf } from '../../src/otlp/resource-view';
import { scanRequest } from '../../src/otlp/scan';
import { encodeMessage, IDS } from '../support/otlp-messages';
import { lenField, nested, varintField } from '../support/wire';

const scopeGroup = (request: Buffer) => {
  const [span] = scanRequest(request, { check: true }).spans;
  if (span === undefined) throw new Error('the request has a span');
  return span.scope;
};
const viewsOf = (resourceSpans: object, scopeSpans: object = {}) => {
  const spans = { ...scopeSpans, spans: [IDS] };
  const scope = scopeGroup(
    encodeMessage('ExportTraceServiceRequest', { resourceSpans: [{ ...resourceSpans, scopeSpans: [spans] }] }),
  );
  return { resource: resourceOf(scope.resource), scope: scopeOf(scope) };
};
const attributes = (...keys: string[]) => keys.map((key) => ({ key, value: { stringValue: `of ${key}` } }));

describe('a resource', () => {
  test('has the attributes as they came: empty ones, any key, the last of two', () => {
    const sent = [
      { key: 'empty', value: {} },
      { key: '__proto__', value: { intValue: 1 } },
      { key: '', value: { boolValue: false } },
      { key: 'twice', value: { intValue: 1 } },
      {
        key: 'twice',
        value: { kvlistValue: { values: [{ key: 'constructor', value: { intValue: '9007199254740993' } }] } },
      },
    ];
    const { resource } = viewsOf({ resource: { attributes: sent }, schemaUrl: 'https://schema' });
    expect(Object.entries(resource.attributes)).toEqual([
      ['empty', null],
      ['__proto__', 1],
      ['', false],
      ['twice', { constructor: '9007199254740993' }],
    ]);
    expect(resource.schemaUrl).toBe('https://schema');
    expect(resource.asyncAttributesPending).toBe(false);
  });

  test('that is absent is an empty one', () => {
    const { resource } = viewsOf({});
    expect([resource.attributes, resource.schemaUrl]).toEqual([{}, undefined]);
  });

  test('that comes in two parts is merged (H14)', () => {
    const part = (key: string) =>
      lenField(1, nested([1], Buffer.concat([lenField(1, key), lenField(2, varintField(3, 1))])));
    const span = nested([2, 2], Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId)]));
    const request = lenField(1, Buffer.concat([part('a'), span, part('b'), lenField(3, 'x'), lenField(3, 'y')]));
    const resource = resourceOf(scopeGroup(request).resource);
    expect([resource.attributes, resource.schemaUrl]).toEqual([{ a: 1, b: 1 }, 'y']);
  });

  test('can be merged with another, which wins, as the SDK does it', () => {
    const { resource } = viewsOf({ resource: { attributes: attributes('a', 'b') } });
    const merged = resource.merge(resourceFromAttributes({ b: 'theirs', c: 'theirs' }));
    expect(merged.attributes).toEqual({ a: 'of a', b: 'theirs', c: 'theirs' });
    expect(resource.merge(null).attributes).toEqual({ a: 'of a', b: 'of b' });
    expect(resource.attributes).toEqual({ a: 'of a', b: 'of b' });
  });

  test('gives its attributes as pairs', () => {
    const { resource } = viewsOf({ resource: { attributes: attributes('a', '__proto__') } });
    expect(resource.getRawAttributes()).toEqual([
      ['a', 'of a'],
      ['__proto__', 'of __proto__'],
    ]);
  });
});

describe('a scope', () => {
  test('has name, version, schema URL and attributes', () => {
    const scope = { name: 'n', version: '1', attributes: attributes('a', '__proto__') };
    const view = viewsOf({}, { scope, schemaUrl: 'https://schema' }).scope as { attributes?: object };
    expect(view).toMatchObject({ name: 'n', version: '1', schemaUrl: 'https://schema' });
    expect(Object.entries(view.attributes ?? {})).toEqual([
      ['a', 'of a'],
      ['__proto__', 'of __proto__'],
    ]);
  });

  test('that is absent has an empty name, which the processor needs, and nothing else', () => {
    expect(viewsOf({}).scope).toStrictEqual({ name: '' });
    expect(viewsOf({}, { scope: {} }).scope).toStrictEqual({ name: '' });
  });

  test('is not taken for the resource', () => {
    const { resource, scope } = viewsOf(
      { resource: { attributes: attributes('r') } },
      { scope: { attributes: attributes('s') } },
    );
    expect([resource.attributes, scope]).toEqual([{ r: 'of r' }, { name: '', attributes: { s: 'of s' } }]);
  });
});

test('each is decoded once for all its spans', () => {
  const group = scopeGroup(
    encodeMessage('ExportTraceServiceRequest', { resourceSpans: [{ scopeSpans: [{ spans: [IDS] }] }] }),
  );
  expect(scopeOf(group)).toBe(scopeOf(group));
  expect(resourceOf(group.resource)).toBe(resourceOf(group.resource));
});
