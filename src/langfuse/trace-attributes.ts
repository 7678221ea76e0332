import { DEFAULT_ENVIRONMENT, ENVIRONMENT_KEYS, normalisedEnvironment } from './observation/environment';
import {
  LAST_TAGS_KEY,
  PUBLIC_KEYS,
  RELEASE_KEY,
  SESSION_ID_KEYS,
  TAGS_KEYS,
  TRACE_NAME_KEY,
  USER_ID_KEYS,
  VERSION_KEY,
} from './observation/observation-fields';

/**
 * What Langfuse shows of a trace and yet reads from each of its spans (langfuse-server: path B): a span without it cannot
 * be found by it. Each row says under which key the gateway puts it on a span that lacks it.
 */
export interface TraceAttribute {
  readonly repair: string;
  readonly what: string;
  /** The key that is written. */
  readonly key: string;
  /** Where Langfuse looks for it on a span. */
  readonly spanKeys: readonly string[];
  /** Where Langfuse looks for it on a resource: the spans below have it. */
  readonly shownResourceKeys: readonly string[];
  /** Where senders put it on a resource, in order, whether Langfuse looks there or not: it holds for the whole trace. */
  readonly resourceKeys: readonly string[];
  /** What is written where `value` was found; `undefined`: nothing. By default the value itself. */
  readonly carried?: (value: unknown) => string | boolean | undefined;
}

/** A trace is public as soon as one of its spans says so; that it is not need not be said. */
const carriedPublic = (value: unknown) => (value === true || value === 'true' ? true : undefined);

/** As Langfuse would store it, so that it stays the same however often it is carried. */
function carriedEnvironment(value: unknown): string | undefined {
  const name = normalisedEnvironment(value);
  return name === DEFAULT_ENVIRONMENT ? undefined : name;
}

/** The names that begin with `langfuse_` are those of Langfuse's baggage entries. */
export const TRACE_ATTRIBUTES = [
  {
    repair: 'trace_session_id',
    what: 'the session id',
    key: 'session.id',
    spanKeys: SESSION_ID_KEYS,
    shownResourceKeys: [],
    resourceKeys: ['langfuse.session.id', 'session.id', 'langfuse_session_id'],
  },
  {
    repair: 'trace_user_id',
    what: 'the user id',
    key: 'user.id',
    spanKeys: USER_ID_KEYS,
    shownResourceKeys: [],
    resourceKeys: ['langfuse.user.id', 'user.id', 'langfuse_user_id'],
  },
  {
    repair: 'trace_tags',
    what: 'the tags',
    key: 'langfuse.trace.tags',
    spanKeys: [...TAGS_KEYS, LAST_TAGS_KEY],
    shownResourceKeys: [],
    resourceKeys: ['langfuse.trace.tags', 'langfuse.tags', 'langfuse_tags'],
  },
  {
    repair: 'trace_name',
    what: 'the trace name',
    key: TRACE_NAME_KEY,
    spanKeys: [TRACE_NAME_KEY],
    shownResourceKeys: [],
    resourceKeys: [TRACE_NAME_KEY, 'langfuse_trace_name'],
  },
  {
    repair: 'trace_release',
    what: 'the release',
    key: RELEASE_KEY,
    spanKeys: [RELEASE_KEY],
    shownResourceKeys: [RELEASE_KEY],
    resourceKeys: [RELEASE_KEY],
  },
  {
    repair: 'trace_version',
    what: 'the version',
    key: VERSION_KEY,
    spanKeys: [VERSION_KEY],
    // The version of one service says nothing about another: it is not carried.
    shownResourceKeys: ['service.version'],
    resourceKeys: [VERSION_KEY, 'langfuse_version'],
  },
  {
    repair: 'trace_environment',
    what: 'the environment',
    key: 'langfuse.environment',
    spanKeys: ENVIRONMENT_KEYS,
    shownResourceKeys: ENVIRONMENT_KEYS,
    resourceKeys: ENVIRONMENT_KEYS,
    carried: carriedEnvironment,
  },
  {
    repair: 'trace_public',
    what: 'whether the trace is public',
    key: PUBLIC_KEYS[0],
    spanKeys: PUBLIC_KEYS,
    shownResourceKeys: [],
    resourceKeys: PUBLIC_KEYS,
    carried: carriedPublic,
  },
] as const satisfies readonly TraceAttribute[];

export type TraceRepair = (typeof TRACE_ATTRIBUTES)[number]['repair'];
