import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, type SpanGiven } from '../../support/span-builder';

const environmentOf = (given: SpanGiven) => observe(buildSpan(given)).environment;

describe('sources, in order', () => {
  const sources: [side: 'attributes' | 'resource', key: string][] = [
    ['attributes', 'langfuse.environment'],
    ['resource', 'langfuse.environment'],
    ['attributes', 'deployment.environment.name'],
    ['resource', 'deployment.environment.name'],
    ['attributes', 'deployment.environment'],
    ['resource', 'deployment.environment'],
  ];
  test.each(sources.map(([side, key], at): [string, string, number] => [side, key, at]))('%s %s', (_side, _key, at) => {
    const given = { attributes: {}, resource: {} } as Record<'attributes' | 'resource', Record<string, unknown>>;
    for (const [index, [side, key]] of sources.entries()) given[side][key] = index < at ? '' : `source-${index}`;
    expect(environmentOf(given)).toBe(`source-${at}`);
  });

  test('none', () => {
    expect(environmentOf({})).toBe('default');
  });
});

describe('the name is normalised', () => {
  test.each([
    ['as it is', 'pre-prod_2', 'pre-prod_2'],
    ['upper case', 'Production', 'production'],
    ['the reserved prefix', 'langfuse-eval', 'eval'],
    ['the reserved prefix, repeatedly', 'LangfuseLangfuse_eval', 'eval'],
    ['nothing but the prefix', 'langfuse-', 'default'],
    ['a space', 'Prod EU', 'default'],
    ['a letter beyond a-z', 'übung', 'default'],
    ['41 characters', 'a'.repeat(41), 'a'.repeat(40)],
    ['a bad character behind the cut', `${'a'.repeat(40)} x`, 'a'.repeat(40)],
    ['a number', 5, 'default'],
    ['a list', ['prod'], 'default'],
  ])('%s', (_name, value, expected) => {
    expect(environmentOf({ attributes: { 'langfuse.environment': value } })).toBe(expected);
  });
});

describe('a failed judge call of OpenRouter', () => {
  const request = { trace: { environment: 'langfuse-llm-as-a-judge' } };
  const given = (completion: unknown): SpanGiven => ({
    resource: { 'service.name': 'openrouter' },
    attributes: { 'openrouter.source': 'openrouter', 'gen_ai.completion': JSON.stringify(completion) },
  });

  test('is known by the request it repeats', () => {
    expect(environmentOf(given({ completion: null, rawRequest: request }))).toBe('llm-as-a-judge');
  });

  test.each([
    ['it succeeded', given({ completion: 'text', rawRequest: request })],
    ['no completion', given({ rawRequest: request })],
    ['another environment', given({ completion: null, rawRequest: { trace: { environment: 'prod' } } })],
    ['no request', given({ completion: null })],
    ['another service', { ...given({ completion: null, rawRequest: request }), resource: {} }],
  ])('not where %s', (_name, span) => {
    expect(environmentOf(span)).toBe('default');
  });
});
