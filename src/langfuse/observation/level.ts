import { SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { columnText } from './json';
import type { SpanReading } from './span-reading';

export type ObservationLevel = 'DEBUG' | 'DEFAULT' | 'WARNING' | 'ERROR';

/** Langfuse's name of a level and the foreign ones it takes for it; of either case. */
const LEVEL_ALIASES: Readonly<Record<ObservationLevel, readonly string[]>> = {
  DEBUG: ['DEBUG', 'TRACE', 'VERBOSE'],
  DEFAULT: ['DEFAULT', 'INFO', 'LOG', 'NOTICE', 'OK', 'SUCCESS'],
  WARNING: ['WARNING', 'WARN'],
  ERROR: ['ERROR', 'FATAL', 'CRITICAL'],
};

const LEVELS = new Map(
  Object.entries(LEVEL_ALIASES).flatMap(([level, aliases]) =>
    aliases.map((alias): [string, ObservationLevel] => [alias, level as ObservationLevel]),
  ),
);

/** Inner workings of LiveKit's agents, which would bury the spans people look for. */
const LIVEKIT_DEBUG_SPANS = new Set([
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
]);

/** The level that an attribute's value names, if any. */
export const namedLevel = (value: unknown): ObservationLevel | undefined =>
  typeof value === 'string' ? LEVELS.get(value.trim().toUpperCase()) : undefined;

/** The level attribute, else ERROR for a failed span, else DEBUG for LiveKit's inner spans, else DEFAULT. */
export function levelOf(span: SpanReading, status: ReadableSpan['status']): ObservationLevel {
  const named = namedLevel(span.attributes.get('langfuse.observation.level'));
  if (named !== undefined) return named;
  if (status.code === SpanStatusCode.ERROR) return 'ERROR';
  return span.scope.name === 'livekit-agents' && LIVEKIT_DEBUG_SPANS.has(span.name) ? 'DEBUG' : 'DEFAULT';
}

export function statusMessageOf({ attributes }: SpanReading, status: ReadableSpan['status']): string | null {
  return columnText(attributes.get('langfuse.observation.status_message') ?? status.message);
}
