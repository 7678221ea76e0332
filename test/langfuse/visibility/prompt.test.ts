import { dropHalfPromptLink, promptVersionToNumber } from '../../../src/langfuse/visibility/prompt';
import { TestDraft } from '../../support/visibility-draft';

const NAME = 'langfuse.observation.prompt.name';
const VERSION = 'langfuse.observation.prompt.version';
const KEPT_NAME = 'langfuse.observation.metadata.otel.promptName';
const KEPT_VERSION = 'langfuse.observation.metadata.otel.promptVersion';

describe('a version that is a text', () => {
  test.each([
    ['digits', '3', 3],
    ['zeros in front', '007', 7],
    ['the largest', '65535', 65_535],
    ['one more', '65536', '65536'],
    ['a sign', '-3', '-3'],
    ['a fraction', '3.0', '3.0'],
    ['a space', ' 3', ' 3'],
    ['an exponent', '1e3', '1e3'],
    ['a name', 'latest', 'latest'],
    ['nothing', '', ''],
    ['a number', 3, 3],
    ['a boolean', true, true],
  ])('%s', (_name, version, expected) => {
    const draft = new TestDraft({ attributes: { [VERSION]: version, 'langfuse.prompt.version': version } });
    promptVersionToNumber(draft);
    expect({ ...draft.span.attributes }).toEqual({ [VERSION]: expected, 'langfuse.prompt.version': expected });
  });
});

describe('half a link', () => {
  const SHORT = 'langfuse.prompt.name';
  const AI_SDK = 'ai.telemetry.metadata.langfusePrompt';
  const stays: [name: string, attributes: Record<string, unknown>][] = [
    ['no link', { a: 1 }],
    ['name and version', { [NAME]: 'p', [VERSION]: 3 }],
    ['under the other keys', { [SHORT]: 'p', 'langfuse.prompt.version': 3 }],
    ['under one key of each', { [NAME]: 'p', 'langfuse.prompt.version': 3 }],
    ['nothing in either', { [NAME]: '', [VERSION]: 0 }],
    ['a version that comes from the AI SDK', { [NAME]: 'p', [AI_SDK]: '{"version":3}' }],
    ['the AI SDK’s own half link', { [AI_SDK]: '{"name":"p"}' }],
  ];
  test.each(stays)('%s stays', (_name, attributes) => {
    const draft = new TestDraft({ attributes });
    dropHalfPromptLink(draft);
    expect({ ...draft.span.attributes }).toEqual(attributes);
    expect(draft.warnings).toEqual([]);
  });

  const goes: [name: string, attributes: Record<string, unknown>, kept: Record<string, unknown>][] = [
    ['a name alone', { [NAME]: 'p' }, { [KEPT_NAME]: 'p' }],
    ['a name alone, short', { [SHORT]: 'p' }, { [KEPT_NAME]: 'p' }],
    ['a version alone', { [VERSION]: 3 }, { [KEPT_VERSION]: '3' }],
    ['version 0, which counts as none', { [NAME]: 'p', [VERSION]: 0 }, { [KEPT_NAME]: 'p', [KEPT_VERSION]: '0' }],
    ['a label', { [NAME]: 'p', [VERSION]: 'latest' }, { [KEPT_NAME]: 'p', [KEPT_VERSION]: 'latest' }],
    ['a fraction', { [NAME]: 'p', [VERSION]: 1.5 }, { [KEPT_NAME]: 'p', [KEPT_VERSION]: '1.5' }],
    ['a boolean', { [NAME]: 'p', [VERSION]: true }, { [KEPT_NAME]: 'p', [KEPT_VERSION]: 'true' }],
    ['an empty version', { [NAME]: 'p', [VERSION]: '' }, { [KEPT_NAME]: 'p' }],
    ['an empty name', { [NAME]: '', [VERSION]: 3 }, { [KEPT_VERSION]: '3' }],
    ['a name that is no text', { [NAME]: 5, [VERSION]: 3 }, { [KEPT_NAME]: '5', [KEPT_VERSION]: '3' }],
    [
      'all four keys, the first of them unusable',
      { [NAME]: 'p', [VERSION]: 'x', [SHORT]: 'q', 'langfuse.prompt.version': 3 },
      { [KEPT_NAME]: 'p', [`${KEPT_NAME}_`]: 'q', [KEPT_VERSION]: 'x', [`${KEPT_VERSION}_`]: '3' },
    ],
    ['two names', { [NAME]: 'a', [SHORT]: 'b' }, { [KEPT_NAME]: 'a', [`${KEPT_NAME}_`]: 'b' }],
    ['one name twice', { [NAME]: 'a', [SHORT]: 'a' }, { [KEPT_NAME]: 'a' }],
    [
      'a version that the AI SDK has no number for',
      { [NAME]: 'p', [AI_SDK]: '{"version":"3"}' },
      { [KEPT_NAME]: 'p', [AI_SDK]: '{"version":"3"}' },
    ],
  ];
  test.each(goes)('%s goes', (_name, attributes, kept) => {
    const draft = new TestDraft({ attributes });
    dropHalfPromptLink(draft);
    dropHalfPromptLink(draft);
    expect({ ...draft.span.attributes }).toEqual(kept);
    expect(draft.warnings).toEqual(['prompt_without_version']);
  });
});
