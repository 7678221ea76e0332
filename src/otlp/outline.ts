/** What a span has, a bit each. */
export const OUTLINE = {
  links: 1 << 0,
  events: 1 << 1,
  traceState: 1 << 2,
  /** A kind other than INTERNAL and unspecified. */
  kind: 1 << 3,
  droppedCounts: 1 << 4,
  complexValue: 1 << 5,
  /** No start time, or zero. */
  startAbsent: 1 << 6,
  endBeforeStart: 1 << 7,
} as const;

/** A span without a parent; one with a parent that cannot be read, as there may be with the repair switched off. */
export const NO_PARENT = -1;
export const UNREADABLE_PARENT = -2;

/** What there is to know of a span before anything of it is decoded. */
export interface Outline {
  /** Offsets of the ids in the bytes. */
  traceIdAt: number;
  spanIdAt: number;
  /** Or one of the two below. */
  parentIdAt: number;
  /** As on the wire: 0 is unspecified, 1 INTERNAL. */
  kind: number;
  /** Bits of `OUTLINE`. */
  features: number;
  /** Bits of the watched keys it has, and of those it has with an empty text. */
  keys: number;
  emptyKeys: number;
}
