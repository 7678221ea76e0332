import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

const OVERSCAN_ROWS = 8;

export interface VirtualListProps<T> {
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  readonly rowHeight: number;
  readonly draw: (item: T, index: number, top: string, height: string) => ComponentChildren;
  readonly box: RefObject<HTMLDivElement | null>;
  readonly class: string;
  readonly role: 'tree' | 'rowgroup';
  readonly label?: string;
  /** A row that is drawn wherever it is, because it has the focus. */
  readonly pinned?: number;
  /** Rows in sight stay where they are when others come above them. */
  readonly isAnchored?: boolean;
  /** Called again for each new end, and when `isWaiting` is over: what is called while something is under way may do nothing. */
  readonly onNearEnd?: () => void;
  readonly isWaiting?: boolean;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
}

/** Draws the rows in sight, all of one height, whatever their number. */
export function VirtualList<T>(props: VirtualListProps<T>) {
  const { items, rowHeight, box } = props;
  const { first, last } = useWindow(box, rowHeight, items.length);
  useAnchor(props, first, last);
  const { onNearEnd, isWaiting = false } = props;
  const isNearEnd = last >= items.length - 1;
  useEffect(() => {
    if (isNearEnd && !isWaiting) onNearEnd?.();
  }, [isNearEnd, isWaiting, onNearEnd, items.length]);

  const indices = [];
  for (let index = first; index <= Math.min(last, items.length - 1); index += 1) indices.push(index);
  const { pinned } = props;
  if (pinned !== undefined && pinned >= 0 && pinned < items.length && !indices.includes(pinned)) indices.push(pinned);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the role comes from who draws the list
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: as above
    <div
      ref={box}
      class={`virtual ${props.class}`}
      role={props.role}
      aria-label={props.label}
      onKeyDown={props.onKeyDown}
    >
      <div class="virtual-inner" role="presentation" style={{ height: `${items.length * rowHeight}px` }}>
        {indices.map((index) => {
          const item = items[index] as T;
          return props.draw(item, index, `${index * rowHeight}px`, `${rowHeight}px`);
        })}
      </div>
    </div>
  );
}

function useWindow(
  box: RefObject<HTMLDivElement | null>,
  rowHeight: number,
  count: number,
): { first: number; last: number } {
  const [{ first, last }, setWindow] = useState({ first: 0, last: 40 });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const measure = () => {
      const top = Math.max(0, Math.floor(element.scrollTop / rowHeight) - OVERSCAN_ROWS);
      const bottom = Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + OVERSCAN_ROWS;
      setWindow((old) => (old.first === top && old.last === bottom ? old : { first: top, last: bottom }));
    };
    measure();
    element.addEventListener('scroll', measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', measure);
      observer.disconnect();
    };
  }, [box, rowHeight, count]);
  return { first, last };
}

/** Of a row that jumped to the top the old neighbours tell better how far the rest has moved: the largest move counts. */
function useAnchor<T>(props: VirtualListProps<T>, first: number, last: number): void {
  const { items, keyOf, rowHeight, box, isAnchored = false } = props;
  const before = useRef<readonly T[]>(items);
  useLayoutEffect(() => {
    const old = before.current;
    before.current = items;
    const element = box.current;
    if (!isAnchored || element === null || old === items || element.scrollTop < rowHeight) return;
    const seen = new Map(old.slice(first, last + 1).map((item, index) => [keyOf(item), index + first]));
    let moved = 0;
    for (const [index, item] of items.entries()) {
      const oldIndex = seen.get(keyOf(item));
      if (oldIndex !== undefined) moved = Math.max(moved, index - oldIndex);
    }
    if (moved > 0) element.scrollTop += moved * rowHeight;
  }, [items]);
}

export function scrollToRow(element: HTMLElement, index: number, rowHeight: number): void {
  const top = index * rowHeight;
  if (top < element.scrollTop) element.scrollTop = top;
  else if (top + rowHeight > element.scrollTop + element.clientHeight) {
    element.scrollTop = top + rowHeight - element.clientHeight;
  }
}
