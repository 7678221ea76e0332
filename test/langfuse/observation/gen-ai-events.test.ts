import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, type SpanGiven } from '../../support/span-builder';

function inputOutput(given: SpanGiven) {
  const { input, output } = observe(buildSpan(given));
  return [input, output];
}

describe('events', () => {
  test.each(['system', 'user', 'assistant', 'tool'])('gen_ai.%s.message', (role) => {
    const events = [{ name: `gen_ai.${role}.message`, attributes: { content: 'c' } }];
    expect(inputOutput({ events })).toEqual([`[{"role":"${role}","content":"c"}]`, null]);
  });

  const rows: [name: string, events: SpanGiven['events'], expected: [unknown, unknown]][] = [
    [
      'an attribute overrides the role',
      [{ name: 'gen_ai.user.message', attributes: { role: 'human' } }],
      ['[{"role":"human"}]', null],
    ],
    [
      'several choices',
      [
        { name: 'gen_ai.choice', attributes: { index: 0 } },
        { name: 'gen_ai.choice', attributes: { index: 1 } },
      ],
      [null, '[{"index":0},{"index":1}]'],
    ],
    ['a choice without attributes', [{ name: 'gen_ai.choice' }], [null, '{}']],
    [
      'names of prototypes',
      [
        {
          name: 'gen_ai.choice',
          attributes: [
            ['__proto__', 'lost'],
            ['constructor', 'c'],
          ],
        },
      ],
      [null, '{"constructor":"c"}'],
    ],
    ['another event', [{ name: 'exception', attributes: { input: 'x' } }], [null, null]],
    [
      'the first operation details that have messages',
      [
        { name: 'gen_ai.client.inference.operation.details', attributes: { x: 1 } },
        { name: 'gen_ai.client.inference.operation.details', attributes: { 'gen_ai.output.messages': 'o' } },
      ],
      [null, 'o'],
    ],
    [
      'content events without a rule that hits are stored whole',
      [{ name: 'gen_ai.content.prompt', attributes: { x: 1 } }],
      ['{"x":1}', '{}'],
    ],
    [
      'a prompt of Semantic Kernel',
      [{ name: 'gen_ai.content.prompt', attributes: { 'gen_ai.prompt': '[{"role":"user"}]' } }],
      ['[{"role":"user"}]', '{}'],
    ],
    ['content events without attributes', [{ name: 'gen_ai.content.prompt' }], [null, null]],
    [
      'content events whose only attribute is not stored',
      [{ name: 'gen_ai.content.prompt', attributes: [['__proto__', 'x']] }],
      ['{}', '{}'],
    ],
  ];
  test.each(rows)('%s', (_name, events, expected) => {
    expect(inputOutput({ events })).toEqual(expected);
  });
});
