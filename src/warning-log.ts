import type { Logger } from 'pino';
import { WARNING_TEXTS, type WarningName } from './admission/warnings';
import type { WarningCount } from './judgement';
import { addSpans, createSampler } from './sampler';

const ID_FORMS =
  'trace ids are 32 lower-case hex digits in JSON and 16 bytes in protobuf, span ids 16 digits and 8 bytes';

/** What to do about each; the text of the warning comes before it. */
const ADVICE: Record<WarningName, { level: 'info' | 'warn'; message: string }> = {
  session_id_missing: {
    level: 'info',
    message:
      'set it, or langfuse.session.id, on them, on their resource or on another span of their trace; Langfuse shows no session for them',
  },
  user_id_missing: {
    level: 'info',
    message:
      'set it, or langfuse.user.id, on them, on their resource or on another span of their trace; Langfuse shows no user for them',
  },
  id_repaired: {
    level: 'info',
    message: `let their sender write ids as OTLP does (${ID_FORMS}); what it sends past the gateway ends up in other traces`,
  },
  parent_unreadable: {
    level: 'warn',
    message: `they are roots now; let their sender write the parent's span id as OTLP does (16 hex digits in JSON, 8 bytes in protobuf), or none`,
  },
  link_dropped: {
    level: 'warn',
    message: `let their sender write both ids of a link as OTLP does (${ID_FORMS})`,
  },
  orphan_parent: {
    level: 'warn',
    message:
      'Langfuse shows them outside their tree; see whether the service of the parent exports to this gateway too, and whether sampling or a filter keeps the parent back',
  },
  trace_context_refused: {
    level: 'warn',
    message:
      'they stay in the trace they were sent with; send X-Trace-ID (32 hex digits) and X-Parent-Span-ID (16) together, or set traceContext.fromRequest to false where a proxy means something else by them',
  },
  end_before_start: {
    level: 'warn',
    message: 'let their sender take both times from the same clock; their duration in Langfuse means nothing',
  },
  start_absent: {
    level: 'warn',
    message: 'let their sender set startTimeUnixNano; in Langfuse they last no time',
  },
  times_absent: {
    level: 'warn',
    message:
      'let their sender set startTimeUnixNano and endTimeUnixNano; Langfuse shows them when they arrived, not when they happened',
  },
  prompt_without_version: {
    level: 'warn',
    message:
      'set langfuse.observation.prompt.version to the number of the version; without it Langfuse links no prompt, and the name is kept in their metadata',
  },
};

export interface WarningLog {
  tell(warning: WarningName, count: WarningCount): void;
}

/**
 * Says what is wrong with accepted spans, sampled, with the ids of the first of them.
 *
 * @param options.now milliseconds that never go back.
 */
export function createWarningLog({ log, now }: { log: Logger; now: () => number }): WarningLog {
  const tell = createSampler<WarningName, WarningCount>({
    now,
    add: addSpans,
    say: (warning, { spans, traceId, spanId }) => {
      const { level, message } = ADVICE[warning];
      log[level]({ warning, spans, traceId, spanId }, `${spans} span(s) ${WARNING_TEXTS[warning]}: ${message}`);
    },
  });
  return { tell };
}
