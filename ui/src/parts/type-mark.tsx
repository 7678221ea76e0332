import type { ObservationType } from '../../../src/langfuse/observation/observation-type';
import { compact, grouped } from '../text/format';

interface Mark {
  readonly letters: string;
  readonly path: string;
}

/** Each type has a shape and two letters, so that colour is not needed to tell them apart. */
const MARKS: Readonly<Record<ObservationType, Mark>> = {
  SPAN: { letters: 'SP', path: 'M2 6h8M2 3.500v5M10 3.500v5' },
  GENERATION: {
    letters: 'GE',
    path: 'M6 1.500l1.200 3.300L10.500 6 7.200 7.200 6 10.500 4.800 7.200 1.500 6l3.300-1.200z',
  },
  EVENT: { letters: 'EV', path: 'M6 1.500L10.500 6 6 10.500 1.500 6z' },
  EMBEDDING: {
    letters: 'EM',
    path: 'M2.500 2.500h0M6 2.500h0M9.500 2.500h0M2.500 6h0M6 6h0M9.500 6h0M2.500 9.500h0M6 9.500h0M9.500 9.500h0',
  },
  AGENT: { letters: 'AG', path: 'M6 1.500a2 2 0 1 0 .01 0zM2 10.500c0-5 8-5 8 0' },
  TOOL: {
    letters: 'TO',
    path: 'M2 10l4.500-4.500M6 3.200A2.500 2.500 0 0 1 8.700 1.600L7.400 3.200l1.400 1.400 1.600-1.300A2.500 2.500 0 0 1 6.800 6',
  },
  CHAIN: { letters: 'CH', path: 'M5 4H3.500a2 2 0 0 0 0 4H5M7 4h1.500a2 2 0 0 1 0 4H7M4.500 6h3' },
  RETRIEVER: { letters: 'RE', path: 'M5 1.800a3.200 3.200 0 1 0 .01 0zM7.400 7.400l3 3' },
  EVALUATOR: { letters: 'EL', path: 'M2 10.200V7.500M6 10.200V4.500M10 10.200V1.800' },
  GUARDRAIL: { letters: 'GU', path: 'M6 1.500l4 1.500v3c0 2.500-2 4-4 4.700C4 10 2 8.500 2 6V3z' },
};

export const OBSERVATION_TYPES = Object.keys(MARKS) as readonly ObservationType[];

const isKnown = (type: string): type is ObservationType => Object.hasOwn(MARKS, type);
const markOf = (type: string): Mark => (isKnown(type) ? MARKS[type] : { letters: type.slice(0, 2), path: '' });

/** `count` is for a list: so many of this type. */
export function TypeMark({ type, count }: { type: string; count?: number }) {
  const { letters, path } = markOf(type);
  const title = count === undefined ? type : `${grouped(count)} × ${type}`;
  return (
    <span class="type-mark" data-type={type} role="img" aria-label={title} title={title}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" focusable="false">
        <path d={path} />
      </svg>
      <span aria-hidden="true">{letters}</span>
      {count !== undefined && count > 1 && (
        <span class="type-count" aria-hidden="true">
          {compact(count)}
        </span>
      )}
    </span>
  );
}
