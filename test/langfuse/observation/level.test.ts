import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, type SpanGiven } from '../../support/span-builder';

const levelOf = (given: SpanGiven) => observe(buildSpan(given)).level;
const withLevel = (level: unknown, code = 0): SpanGiven => ({
  attributes: { 'langfuse.observation.level': level },
  status: { code },
});

test.each([
  ['DEBUG', 'DEBUG'],
  ['TRACE', 'DEBUG'],
  ['VERBOSE', 'DEBUG'],
  ['DEFAULT', 'DEFAULT'],
  ['INFO', 'DEFAULT'],
  ['LOG', 'DEFAULT'],
  ['NOTICE', 'DEFAULT'],
  ['OK', 'DEFAULT'],
  ['SUCCESS', 'DEFAULT'],
  ['WARNING', 'WARNING'],
  ['WARN', 'WARNING'],
  ['ERROR', 'ERROR'],
  ['FATAL', 'ERROR'],
  ['CRITICAL', 'ERROR'],
  [' warn ', 'WARNING'],
])('level %p is %s, whatever the status', (level, expected) => {
  expect(levelOf(withLevel(level))).toBe(expected);
  expect(levelOf(withLevel(level, 2))).toBe(expected);
});

test.each([
  ['unknown', 'constructor'],
  ['no string', 5],
  ['absent', undefined],
])('a level that is %s leaves it to the status', (_name, level) => {
  expect(levelOf(withLevel(level, 0))).toBe('DEFAULT');
  expect(levelOf(withLevel(level, 1))).toBe('DEFAULT');
  expect(levelOf(withLevel(level, 2))).toBe('ERROR');
});

test.each([
  'user_speaking',
  'eou_detection',
  'llm_request_run',
  'tts_node',
  'tts_request',
  'tts_request_run',
  'tts_stream_adapter',
  'agent_speaking',
  'drain_agent_activity',
  'on_exit',
  'on_enter',
  'llm_fallback_adapter',
  'tts_fallback_adapter',
  'start_agent_activity',
])('LiveKit span %s is DEBUG unless it failed', (name) => {
  const scope = { name: 'livekit-agents' };
  expect(levelOf({ name, scope })).toBe('DEBUG');
  expect(levelOf({ name, scope, status: { code: 2 } })).toBe('ERROR');
  expect(levelOf({ name, scope: { name: 'x' } })).toBe('DEFAULT');
});

test.each([
  [
    'the attribute wins',
    { attributes: { 'langfuse.observation.status_message': 'a' }, status: { code: 2, message: 's' } },
    'a',
  ],
  [
    'an empty attribute wins too',
    { attributes: { 'langfuse.observation.status_message': '' }, status: { code: 2, message: 's' } },
    '',
  ],
  ['a number becomes text', { attributes: { 'langfuse.observation.status_message': 404 } }, '404'],
  ['the status', { status: { code: 2, message: 's' } }, 's'],
  ['none', {}, null],
])('status message: %s', (_name, given: SpanGiven, expected) => {
  expect(observe(buildSpan(given)).statusMessage).toBe(expected);
});
