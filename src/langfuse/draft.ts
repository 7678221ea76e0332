import type { HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** What a span may have that calls for a look at it; seen in its bytes, without decoding them. */
export const FEATURES = [
  'links',
  'events',
  'traceState',
  /** A kind other than INTERNAL and unspecified. */
  'kind',
  /** Dropped attributes, events or links. */
  'droppedCounts',
  /** A value that Langfuse does not decode: a map, bytes, an empty list, or a list of anything but texts, booleans, integers or doubles alone. */
  'complexValue',
  'startAbsent',
  'endBeforeStart',
  /** An attribute that is watched for that purpose: see `WATCHED_ATTRIBUTES`. */
  'traceInputOutput',
  'prompt',
  'environment',
  'metadataText',
  'crash',
  'media',
] as const;
export type Feature = (typeof FEATURES)[number];

/** What rules find that its sender should mend. */
export const VISIBILITY_WARNINGS = [
  'end_before_start',
  'start_absent',
  'times_absent',
  'prompt_without_version',
] as const;
export type VisibilityWarning = (typeof VISIBILITY_WARNINGS)[number];

/** A span while it is made visible. Rules read `span`, and change it through the methods alone. */
export interface Draft {
  /** Its attributes show at once what was changed: a rule builds on those before it. */
  readonly span: ReadableSpan;
  /** Without a parent. */
  readonly isRoot: boolean;
  /** When the request came. */
  readonly receivedAt: HrTime;
  /** Sets an attribute, unless the span has it already. */
  add(key: string, value: string | number | boolean): void;
  /** Sets an attribute, or removes it where the value is `undefined`. */
  replace(key: string, value: string | number | boolean | undefined): void;
  setTimes(times: { start: HrTime; end?: HrTime }): void;
  /** Writes maps, bytes and such lists as JSON texts. */
  valuesToJson(): void;
  warn(warning: VisibilityWarning): void;
}
