import type { Draft } from '../draft';
import { inputOutputOf } from '../observation/input-output';
import { readSpan } from '../observation/span-reading';
import { boundedText, wholeText } from './bounded-text';
import { addMetadata, METADATA } from './metadata';

const SIDES = [
  { side: 'input', traceKey: 'langfuse.trace.input', key: 'langfuse.observation.input', kept: 'traceInput' },
  { side: 'output', traceKey: 'langfuse.trace.output', key: 'langfuse.observation.output', kept: 'traceOutput' },
] as const;

export const TRACE_INPUT_OUTPUT_KEYS = SIDES.map(({ traceKey }) => traceKey);

/**
 * The attributes stay as they are, for Langfuse's legacy path reads them. As soon as the observation has one side of its
 * own Langfuse looks for the other nowhere else, so what it would have found there is written down as well, or nothing is
 * moved where that is too long: a copy that is cut would hide the whole.
 */
export function showTraceInputOutput(draft: Draft): void {
  const { attributes } = draft.span;
  const both = inputOutputOf(readSpan(draft.span));
  const sides = SIDES.map((each) => {
    const [sent, found] = [attributes[each.traceKey] ?? '', both[each.side] ?? null];
    const shown = found === null ? undefined : wholeText(found);
    return { ...each, found, shown, sent: sent === '' ? '' : boundedText(sent) };
  });
  type Side = (typeof sides)[number];
  const isCut = ({ key, found, shown }: Side) => !isNothing(found) && shown === undefined && !(key in attributes);
  const mayMove = draft.isRoot && !sides.some(isCut);
  const isMoved = ({ sent, found }: Side) => mayMove && sent !== '' && isNothing(found);
  const isOneMoved = sides.some(isMoved);
  for (const each of sides) {
    const { key, sent, found, shown } = each;
    if (isMoved(each)) draft.replace(key, sent);
    else {
      if (isOneMoved && !isNothing(found) && shown !== undefined) draft.add(key, shown);
      if (sent !== '' && sent !== (shown ?? boundedText(found))) addMetadata(draft, METADATA[each.kept], sent);
    }
  }
}

/** Of messages on one side only, Langfuse makes an empty object on the other. */
function isNothing(found: unknown): boolean {
  if (found === undefined || found === null) return true;
  return typeof found === 'object' && !Array.isArray(found) && Object.keys(found).length === 0;
}
