import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TreeRow } from '../../../src/inspector/api';
import { NARROW, useMedia } from '../net/use-media';
import { scrollToRow, VirtualList } from '../parts/virtual-list';
import { duration } from '../text/format';
import { TreeRowView } from './tree-row';
import { parentIndex, spanOfTime, type TreeItem, treeItems, visibleItems } from './tree-rows';

const ROW_PX = 30;
const NARROW_ROW_PX = 48;
const PAGE_ROWS = 15;

interface TreeProps {
  readonly rows: readonly TreeRow[];
  readonly durationMs: number;
  readonly selected: string | null;
  readonly onSelect: (spanId: string) => void;
}

const keyOf = ({ row }: TreeItem): string => row.spanId;

function Scale({ wholeMs }: { wholeMs: number }) {
  return (
    <div class="tree-heads" aria-hidden="true">
      <span class="t-name">Observation</span>
      <span class="t-duration number">Duration</span>
      <span class="t-tokens number">Tokens</span>
      <span class="t-cost number">Cost</span>
      <span class="scale">
        {[0, 0.5, 1].map((part) => (
          <span key={part}>{part === 0 ? '0' : duration(wholeMs * part)}</span>
        ))}
      </span>
    </div>
  );
}

/** Null where there is nothing to open or to close. */
function Tools({ onExpand, onCollapse }: { onExpand: (() => void) | null; onCollapse: (() => void) | null }) {
  return (
    <div class="tree-tools">
      <h2>Observations</h2>
      <button type="button" class="button" onClick={() => onExpand?.()} disabled={onExpand === null}>
        Expand all
      </button>
      <button type="button" class="button" onClick={() => onCollapse?.()} disabled={onCollapse === null}>
        Collapse all
      </button>
    </div>
  );
}

/** Where a key leads from a row, or what it does there. */
type Move = { readonly to: number } | { readonly toggle: string } | { readonly select: string };

function moveOf(key: string, items: readonly TreeItem[], at: number, collapsed: ReadonlySet<string>): Move | null {
  const item = items[at];
  if (item === undefined) return null;
  const { row, hasChildren } = item;
  const isOpen = hasChildren && !collapsed.has(row.spanId);
  switch (key) {
    case 'ArrowDown':
      return { to: at + 1 };
    case 'ArrowUp':
      return { to: at - 1 };
    case 'PageDown':
      return { to: Math.min(items.length - 1, at + PAGE_ROWS) };
    case 'PageUp':
      return { to: Math.max(0, at - PAGE_ROWS) };
    case 'Home':
      return { to: 0 };
    case 'End':
      return { to: items.length - 1 };
    case 'ArrowRight':
      if (!hasChildren) return null;
      return isOpen ? { to: at + 1 } : { toggle: row.spanId };
    case 'ArrowLeft':
      return isOpen ? { toggle: row.spanId } : { to: parentIndex(items, at) };
    case 'Enter':
    case ' ':
      return { select: row.spanId };
    default:
      return null;
  }
}

function useCollapsed() {
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const toggle = useCallback((spanId: string) => {
    setCollapsed((old) => {
      const next = new Set(old);
      if (!next.delete(spanId)) next.add(spanId);
      return next;
    });
  }, []);
  return { collapsed, setCollapsed, toggle };
}

export function TreeView({ rows, durationMs, selected, onSelect }: TreeProps) {
  const items = useMemo(() => treeItems(rows), [rows]);
  const wholeMs = useMemo(() => spanOfTime(rows, durationMs), [rows, durationMs]);
  const { collapsed, setCollapsed, toggle } = useCollapsed();
  const visible = useMemo(() => visibleItems(items, collapsed), [items, collapsed]);
  const rowHeight = useMedia(NARROW) ? NARROW_ROW_PX : ROW_PX;
  const box = useRef<HTMLDivElement>(null);
  const { active, focusRow, setActiveId } = useActiveRow(visible, selected, box, rowHeight);

  const select = useCallback(
    (spanId: string) => {
      setActiveId(spanId);
      onSelect(spanId);
    },
    [onSelect],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = moveOf(event.key, visible, active, collapsed);
    if (move === null) return;
    event.preventDefault();
    if ('toggle' in move) toggle(move.toggle);
    else if ('select' in move) select(move.select);
    else focusRow(move.to);
  };
  const parents = useMemo(() => items.filter(({ hasChildren }) => hasChildren), [items]);
  return (
    <div class="tree-pane">
      <Tools
        onExpand={collapsed.size > 0 ? () => setCollapsed(new Set()) : null}
        onCollapse={parents.length > 0 ? () => setCollapsed(new Set(parents.map(keyOf))) : null}
      />
      <Scale wholeMs={wholeMs} />
      <VirtualList
        items={visible}
        keyOf={keyOf}
        rowHeight={rowHeight}
        box={box}
        class="tree"
        role="tree"
        label="Observations"
        pinned={active}
        onKeyDown={onKeyDown}
        draw={(item, index, top, height) => (
          <TreeRowView
            key={item.row.spanId}
            item={item}
            index={index}
            top={top}
            height={height}
            wholeMs={wholeMs}
            isCollapsed={collapsed.has(item.row.spanId)}
            isSelected={item.row.spanId === selected}
            isActive={index === active}
            onToggle={toggle}
            onSelect={select}
          />
        )}
      />
    </div>
  );
}

/** One row is in the tab order: the one the keys moved to, else the selected one, else the first. */
function useActiveRow(
  visible: readonly TreeItem[],
  selected: string | null,
  box: { current: HTMLDivElement | null },
  rowHeight: number,
) {
  const [activeId, setActiveId] = useState<string | null>(null);
  const wantsFocus = useRef(false);
  const indexOf = (spanId: string | null) =>
    spanId === null ? -1 : visible.findIndex((item) => keyOf(item) === spanId);
  const active = useMemo(() => {
    const moved = indexOf(activeId);
    return Math.max(0, moved >= 0 ? moved : indexOf(selected));
  }, [visible, activeId, selected]);
  const focusRow = (index: number) => {
    const item = visible[index];
    if (item === undefined) return;
    wantsFocus.current = true;
    setActiveId(keyOf(item));
    if (box.current !== null) scrollToRow(box.current, index, rowHeight);
  };
  useEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    box.current?.querySelector<HTMLElement>(`[data-index="${active}"]`)?.focus({ preventScroll: true });
  }, [active]);
  // A link may name a row far below.
  useEffect(() => {
    const index = indexOf(selected);
    if (index >= 0 && box.current !== null) scrollToRow(box.current, index, rowHeight);
  }, [selected]);
  return { active, focusRow, setActiveId };
}
