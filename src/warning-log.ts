import type { Logger } from 'pino';
import { WARNING_TEXTS, type WarningName } from './admission/warnings';

/** One line per kind in so long a time: what a sender does wrong, it does wrong with every span. */
const PAUSE_MS = 60_000;

const ID_FORMS =
  'trace ids are 32 lower-case hex digits in JSON and 16 bytes in protobuf, span ids 16 digits and 8 bytes';

/** What to do about each; the text of the warning comes before it. */
const ADVICE: Record<WarningName, { level: 'info' | 'warn'; message: string }> = {
  session_id_missing: {
    level: 'info',
    message:
      'set session.id (langfuse.session.id) on them, on their resource or on another span of their trace; Langfuse shows no session for them',
  },
  user_id_missing: {
    level: 'info',
    message:
      'set user.id (langfuse.user.id) on them, on their resource or on another span of their trace; Langfuse shows no user for them',
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
  /** @param count how many spans of one request, and the ids of the first of them. */
  tell(warning: WarningName, count: { spans: number; traceId: string; spanId: string }): void;
}

/**
 * Says what is wrong with accepted spans: the first time at once, then at most one line per warning and minute, with all
 * spans since the last line and the ids of the first of them. What comes after the last line is in the metrics alone.
 *
 * @param options.now milliseconds that never go back.
 */
export function createWarningLog({ log, now }: { log: Logger; now: () => number }): WarningLog {
  const silentUntil = new Map<WarningName, number>();
  const gathered = new Map<WarningName, { spans: number; traceId: string; spanId: string }>();
  return {
    tell(warning, count) {
      const before = gathered.get(warning);
      const sum = before === undefined ? count : { ...before, spans: before.spans + count.spans };
      const nowMs = now();
      if (nowMs < (silentUntil.get(warning) ?? 0)) {
        gathered.set(warning, sum);
        return;
      }
      gathered.delete(warning);
      silentUntil.set(warning, nowMs + PAUSE_MS);
      const { level, message } = ADVICE[warning];
      const { spans, traceId, spanId } = sum;
      log[level]({ warning, spans, traceId, spanId }, `${spans} span(s) ${WARNING_TEXTS[warning]}: ${message}`);
    },
  };
}
