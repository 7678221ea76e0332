import type { Draft } from '../draft';
import { inputOutputOf } from '../observation/input-output';
import { columnText } from '../observation/json';
import { readSpan } from '../observation/span-reading';
import { METADATA, textOrJson } from './metadata';

const SIDES = [
  { side: 'input', traceKey: 'langfuse.trace.input', key: 'langfuse.observation.input', kept: 'traceInput' },
  { side: 'output', traceKey: 'langfuse.trace.output', key: 'langfuse.observation.output', kept: 'traceOutput' },
] as const;

export const TRACE_INPUT_OUTPUT_KEYS = SIDES.map(({ traceKey }) => traceKey);

/**
 * The attributes stay as they are, for Langfuse's legacy path reads them. As soon as the observation has one side of its
 * own Langfuse looks for the other nowhere else, so what it would have found there is written down as well.
 */
export function showTraceInputOutput(draft: Draft): void {
  const { attributes } = draft.span;
  const found = inputOutputOf(readSpan(draft.span));
  const sides = SIDES.map((each) => ({ ...each, found: found[each.side], sent: attributes[each.traceKey] ?? '' }));
  const isMoved = (each: (typeof sides)[number]) => draft.isRoot && each.sent !== '' && isNothing(each.found);
  const isOneMoved = sides.some(isMoved);
  for (const each of sides) {
    const shown = columnText(each.found);
    if (isMoved(each)) draft.replace(each.key, textOrJson(each.sent));
    else {
      if (isOneMoved && !isNothing(each.found)) draft.add(each.key, shown!);
      if (each.sent !== '' && textOrJson(each.sent) !== shown) draft.add(METADATA[each.kept], textOrJson(each.sent));
    }
  }
}

/** Of messages on one side only, Langfuse makes an empty object on the other. */
function isNothing(found: unknown): boolean {
  if (found === undefined || found === null) return true;
  return typeof found === 'object' && !Array.isArray(found) && Object.keys(found).length === 0;
}
