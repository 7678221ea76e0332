import { observe } from '../../../src/langfuse/observation/observation';
import { keepMetadataText } from '../../../src/langfuse/visibility/metadata-text';
import { TestDraft } from '../../support/visibility-draft';

const OWN = 'langfuse.observation.metadata';
const SHARED = 'langfuse.metadata';
const TRACE = 'langfuse.trace.metadata';
const KEPT = `${OWN}.otel.metadata`;
const KEPT_OF_TRACE = `${OWN}.otel.traceMetadata`;

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['a text', { [OWN]: 'a note' }, { [KEPT]: 'a note' }],
  ['of the trace', { [TRACE]: 'a note' }, { [KEPT_OF_TRACE]: 'a note' }],
  ['of both', { [SHARED]: 'a note' }, { [KEPT]: 'a note' }],
  ['two of them', { [OWN]: 'a', [SHARED]: 'b' }, { [KEPT]: 'a', [`${KEPT}_`]: 'b' }],
  ['JSON that is cut off', { [OWN]: '{"a":"b' }, { [KEPT]: '{"a":"b' }],
  ['JSON of a text', { [OWN]: '"a"' }, { [KEPT]: '"a"' }],
  ['a number', { [OWN]: 0 }, { [KEPT]: 0 }],
  ['a boolean', { [OWN]: false }, { [KEPT]: 'false' }],
  ['NaN', { [OWN]: Number.NaN }, { [KEPT]: '"NaN"' }],
  ['an empty text', { [OWN]: '' }, {}],
  ['null', { [OWN]: 'null' }, {}],
  ['an object', { [OWN]: ' {"a":1}', [TRACE]: '{}', [SHARED]: '[1]' }, {}],
  ['a list of texts', { [OWN]: ['a'] }, {}],
  ['a name under it', { [`${OWN}.a`]: 'b' }, {}],
])('%s', (_name, attributes, kept) => {
  const draft = new TestDraft({ attributes });
  keepMetadataText(draft);
  keepMetadataText(draft);
  expect({ ...draft.span.attributes }).toEqual({ ...attributes, ...kept });
  const shown = observe(draft.span).metadata;
  for (const [key, value] of Object.entries(kept)) expect(shown[key.slice(OWN.length + 1)]).toBe(String(value));
});
