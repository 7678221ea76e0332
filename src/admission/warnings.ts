import { VISIBILITY_WARNINGS } from '../langfuse/draft';

/** Every warning by its name: the label in `gateway_spans_warned_total{warning}`. The span is accepted; its sender has something to mend. */
export const WARNINGS = [
  'session_id_missing',
  'user_id_missing',
  'id_repaired',
  'parent_unreadable',
  'link_dropped',
  'orphan_parent',
  'trace_context_refused',
  ...VISIBILITY_WARNINGS,
] as const;
export type WarningName = (typeof WARNINGS)[number];

/** What a warning says of a span, to be read behind "3 span(s)": for the sender, and the beginning of what the log says. */
export const WARNING_TEXTS: Record<WarningName, string> = {
  session_id_missing: 'without a session id (session.id)',
  user_id_missing: 'without a user id (user.id)',
  id_repaired: 'with an id that had to be repaired',
  parent_unreadable: 'whose parent id cannot be read and was left out',
  link_dropped: 'with a link that cannot be read and was left out',
  orphan_parent: 'whose parent has not come',
  trace_context_refused: 'in a request whose trace context cannot be read',
  end_before_start: 'with an end before the start',
  start_absent: 'without a start time, for which the end was taken',
  times_absent: 'without start and end times, for which the time of receipt was taken',
  prompt_without_version: 'with a prompt that lacks its name or an integer version',
};
