import type { Observation } from '../../src/langfuse/observation/observation';
import { explainsRows, having, type Row } from './explain-runs';

const PARENT = 'aaaaaaaaaaaaaaaa';

/** Each key alone, then each pair of neighbours: the earlier one counts. */
function inOrder(field: 'userId' | 'sessionId' | 'model', keys: readonly string[], extra = {}): Row[] {
  return keys.flatMap((key, index): Row[] => {
    const next = keys[index + 1];
    const alone: Row = [`${field}: ${key}`, having({ ...extra, [key]: 'first' }), { [field]: 'first' }];
    if (next === undefined) return [alone];
    const both = having({ ...extra, [next]: 'second', [key]: 'first' });
    return [alone, [`${field}: ${key} before ${next}`, both, { [field]: 'first' }]];
  });
}

const NAMES = {
  'gen_ai.tool.name': 'a tool',
  'genkit:name': 'a flow',
  'logfire.msg': 'a message',
  'ai.toolCall.name': 'a call',
  'ai.operationId': 'ai.embed',
};

describe('name', () => {
  const names = Object.entries(NAMES);
  explainsRows([
    ...names.map(
      ([key, name], index): Row => [
        `${key} before what follows`,
        having(Object.fromEntries(names.slice(index)), { name: 'of the span' }),
        { name },
      ],
    ),
    [
      'the function before the operation',
      having({ 'ai.operationId': 'ai.embed', 'ai.telemetry.functionId': 'mine' }),
      { name: 'mine:ai.embed' },
    ],
    ['else the name of the span', { name: 'of the span' }, { name: 'of the span', traceName: null }],
    ['the trace name', having({ 'langfuse.trace.name': 't' }, { name: 's' }), { name: 's', traceName: 't' }],
  ]);
});

describe('user and session', () => {
  explainsRows([
    ...inOrder('userId', [
      'langfuse.user.id',
      'user.id',
      'langfuse.observation.metadata.langfuse_user_id',
      'langfuse.trace.metadata.langfuse_user_id',
      'ai.telemetry.metadata.userId',
    ]),
    ...inOrder('sessionId', [
      'langfuse.session.id',
      'session.id',
      'gen_ai.conversation.id',
      'langfuse.observation.metadata.langfuse_session_id',
      'langfuse.trace.metadata.langfuse_session_id',
      'ai.telemetry.metadata.sessionId',
    ]),
    [
      'names that are not recognised',
      having({
        ...{ 'enduser.id': 'x', 'langfuse.user_id': 'x', 'langfuse.session_id': 'x', 'thread.id': 'x' },
        ...{ 'langfuse.trace.user_id': 'x', 'langfuse.trace.session_id': 'x' },
      }),
      { userId: null, sessionId: null, warnings: ['session_id_missing', 'user_id_missing'] },
    ],
    [
      'of the resource: Langfuse ignores them, the gateway does not',
      { resource: { 'user.id': 'u', 'session.id': 's', langfuse_tags: 'a,b' } },
      {
        ...{ userId: 'u', sessionId: 's', tags: ['a', 'b'], warnings: [] },
        repairs: ['trace_session_id', 'trace_user_id', 'trace_tags'],
      },
    ],
  ]);
});

const TAG_KEYS = [
  'langfuse.trace.tags',
  'langfuse.tags',
  'langfuse.observation.metadata.langfuse_tags',
  'langfuse.trace.metadata.langfuse_tags',
  'ai.telemetry.metadata.tags',
  'tag.tags',
];

describe('what is of the trace', () => {
  explainsRows([
    ...TAG_KEYS.map((key): Row => [`tags: ${key}`, having({ [key]: ['a', 'b'] }), { tags: ['a', 'b'] }]),
    ['tags: as JSON', having({ 'langfuse.tags': '["a", "b"]' }), { tags: ['a', 'b'] }],
    ['tags: with commas', having({ 'langfuse.tags': 'a, b' }), { tags: ['a', 'b'] }],
    ['tags: one', having({ 'langfuse.tags': 'a' }), { tags: ['a'] }],
    ['public', having({ 'langfuse.trace.public': true }), { public: true }],
    ['public: its short name, a text', having({ 'langfuse.public': 'true' }), { public: true }],
    ['not public', having({ 'langfuse.public': 'yes' }), { public: false }],
    ...['langfuse.environment', 'deployment.environment.name', 'deployment.environment'].flatMap((key): Row[] => [
      [`environment: ${key}`, having({ [key]: 'staging' }), { environment: 'staging' }],
      [`environment: ${key} of the resource`, { resource: { [key]: 'staging' } }, { environment: 'staging' }],
    ]),
    [
      'environment: key by key, not place by place',
      having({ 'deployment.environment': 'b' }, { resource: { 'langfuse.environment': 'a' } }),
      { environment: 'a' },
    ],
    ['environment: none', {}, { environment: 'default' }],
    ...Object.entries({
      PROD: 'prod',
      'langfuse-prod': 'prod',
      'Prod EU': 'default',
      ['x'.repeat(50)]: 'x'.repeat(40),
    }).map(
      ([sent, environment]): Row => [
        `environment: ${sent}`,
        having({ 'langfuse.environment': sent }),
        { environment, repairs: ['environment_normalised'] },
      ],
    ),
    ['version', having({ 'langfuse.version': 'v' }, { resource: { 'service.version': 's' } }), { version: 'v' }],
    ['version: of the service', { resource: { 'service.version': 's' } }, { version: 's' }],
    ['release', having({ 'langfuse.release': 'r' }, { resource: { 'langfuse.release': 's' } }), { release: 'r' }],
    ['release: of the resource', { resource: { 'langfuse.release': 's' } }, { release: 's' }],
    ['root: without a parent', {}, { parentSpanId: null, isRoot: true }],
    ['root: a child is none', { parentSpanId: PARENT }, { parentSpanId: PARENT, isRoot: false }],
    [
      'root: of an application',
      having({ 'langfuse.internal.is_app_root': true }, { parentSpanId: PARENT }),
      { parentSpanId: PARENT, isRoot: true },
    ],
    [
      'root: as_root is of the legacy path',
      having({ 'langfuse.internal.as_root': true }, { parentSpanId: PARENT }),
      { isRoot: false },
    ],
    [
      'an experiment stays among the attributes',
      having({ 'langfuse.experiment.id': 'e' }),
      { metadata: expect.objectContaining({ 'attributes.langfuse.experiment.id': 'e' }) },
    ],
  ]);
});

describe('level and status message', () => {
  const levels: Record<string, Observation['level']> = {
    ...{ DEBUG: 'DEBUG', TRACE: 'DEBUG', INFO: 'DEFAULT', NOTICE: 'DEFAULT', OK: 'DEFAULT', WARNING: 'WARNING' },
    ...{ WARN: 'WARNING', error: 'ERROR', FATAL: 'ERROR', CRITICAL: 'ERROR', loud: 'DEFAULT' },
  };
  explainsRows([
    ...Object.entries(levels).map(
      ([sent, level]): Row => [`level ${sent}`, having({ 'langfuse.observation.level': sent }), { level }],
    ),
    ['no text', having({ 'langfuse.observation.level': 3 }), { level: 'DEFAULT' }],
    ['a failed span', { status: { code: 2, message: 'boom' } }, { level: 'ERROR', statusMessage: 'boom' }],
    ['a span that is fine', { status: { code: 1 } }, { level: 'DEFAULT' }],
    [
      'the attributes before the status',
      having(
        { 'langfuse.observation.level': 'WARN', 'langfuse.observation.status_message': 'm' },
        { status: { code: 2, message: 'boom' } },
      ),
      { level: 'WARNING', statusMessage: 'm' },
    ],
    [
      'an exception, which Langfuse drops',
      { events: [{ name: 'exception', attributes: { 'exception.message': 'broke' } }] },
      {
        ...{ level: 'ERROR', statusMessage: 'broke', repairs: ['exception_to_level', 'events_to_metadata'] },
        metadata: expect.objectContaining({ 'otel.events': expect.stringContaining('broke') }),
      },
    ],
  ]);
});

describe('times', () => {
  const start = '2023-11-14T22:13:20.000Z';
  const end = '2023-11-14T22:13:22.000Z';
  const first = '2023-11-14T22:13:20.500Z';
  const received = '2026-01-01T00:00:00.000Z';
  const key = 'langfuse.observation.completion_start_time';
  explainsRows([
    ['both', {}, { startTime: start, endTime: end, completionStartTime: null }],
    ['no end', { fields: { endTimeUnixNano: 0 } }, { startTime: start, endTime: start }],
    ['no start', { fields: { startTimeUnixNano: 0 } }, { startTime: end, endTime: end, repairs: ['start_absent'] }],
    [
      'none: the time of receipt',
      { fields: { startTimeUnixNano: 0, endTimeUnixNano: 0 } },
      { startTime: received, endTime: received, repairs: ['start_absent'] },
    ],
    ['the first token', having({ [key]: first }), { completionStartTime: first }],
    ['the first token, in double quotes', having({ [key]: JSON.stringify(first) }), { completionStartTime: first }],
    ['no date', having({ [key]: 'soon' }), { completionStartTime: null }],
    ['ai.response.msToFirstChunk', having({ 'ai.response.msToFirstChunk': 500 }), { completionStartTime: first }],
    ['ai.stream.msToFirstChunk', having({ 'ai.stream.msToFirstChunk': 499.5 }), { completionStartTime: first }],
  ]);
});

describe('model', () => {
  const keys = [
    'langfuse.observation.model.name',
    'gen_ai.response.model',
    'ai.model.id',
    'gen_ai.request.model',
    'llm.response.model',
    'llm.model_name',
    'model',
  ];
  explainsRows([
    ...inOrder('model', keys),
    [
      'model: of Genkit',
      having({ 'genkit:metadata:subtype': 'model', 'genkit:name': 'g' }),
      { model: 'g', type: 'GENERATION' },
    ],
    ...['invoke_agent', 'agent_step'].map(
      (operation): Row => [
        `none of ${operation}, nor usage, nor cost`,
        having({
          ...{ 'gen_ai.operation.name': operation, 'gen_ai.request.model': 'm' },
          ...{ 'gen_ai.usage.input_tokens': 1, 'gen_ai.usage.cost': 0.5 },
        }),
        { model: null, usage: null, cost: null },
      ],
    ),
  ]);
});

const generation = { 'langfuse.observation.type': 'generation' };

describe('prompt', () => {
  const link = { promptName: 'p', promptVersion: 3 };
  explainsRows([
    ...['langfuse.observation.prompt', 'langfuse.prompt'].map(
      (prefix): Row => [
        prefix,
        having({ ...generation, [`${prefix}.name`]: 'p', [`${prefix}.version`]: 3 }),
        { ...link, repairs: [] },
      ],
    ),
    [
      'of the Vercel AI SDK',
      having({ ...generation, 'ai.telemetry.metadata.langfusePrompt': '{"name":"p","version":3}' }),
      link,
    ],
    [
      'a version that is a text',
      having({ ...generation, 'langfuse.observation.prompt.name': 'p', 'langfuse.observation.prompt.version': '3' }),
      { ...link, repairs: ['prompt_version_to_number'] },
    ],
    [
      'without a version',
      having({ ...generation, 'langfuse.observation.prompt.name': 'p' }),
      {
        ...{ promptName: null, promptVersion: null, repairs: ['prompt_without_version'] },
        metadata: expect.objectContaining({ 'otel.promptName': 'p' }),
        warnings: expect.arrayContaining(['prompt_without_version']),
      },
    ],
    [
      'not of a span',
      having({ 'langfuse.observation.prompt.name': 'p', 'langfuse.observation.prompt.version': 3 }),
      { type: 'SPAN', promptName: null, promptVersion: null },
    ],
  ]);
});
