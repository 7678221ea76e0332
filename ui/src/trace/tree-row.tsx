import { ChevronIcon } from '../parts/icons';
import { memo } from '../parts/memo';
import { Amount, CountBadge, LevelBadge } from '../parts/small';
import { TypeMark } from '../parts/type-mark';
import { duration } from '../text/format';
import type { TreeItem } from './tree-rows';

/** Deeper rows are not moved further: their names would have no room left. */
const DEPTH_SHOWN_MAX = 16;

export interface TreeRowProps {
  readonly item: TreeItem;
  readonly index: number;
  readonly top: string;
  readonly height: string;
  readonly wholeMs: number;
  readonly isCollapsed: boolean;
  readonly isSelected: boolean;
  readonly isActive: boolean;
  readonly onToggle: (spanId: string) => void;
  readonly onSelect: (spanId: string, index: number) => void;
}

function Bar({ item, wholeMs }: { item: TreeItem; wholeMs: number }) {
  const { startMs, durationMs, level, type } = item.row;
  if (startMs === null) return <span class="bar-track" />;
  const left = Math.min(100, Math.max(0, (startMs / wholeMs) * 100));
  const width = Math.min(100 - left, (Math.max(0, durationMs ?? 0) / wholeMs) * 100);
  return (
    <span class="bar-track">
      <span class="bar" data-level={level} data-type={type} style={{ left: `${left}%`, width: `${width}%` }} />
    </span>
  );
}

function Row(props: TreeRowProps) {
  const { item, index, isCollapsed, isSelected } = props;
  const { row, hasChildren } = item;
  const indent = `${Math.min(row.depth, DEPTH_SHOWN_MAX)}`;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are heard by the tree
    <div
      class="tree-row"
      role="treeitem"
      data-index={index}
      data-span-id={row.spanId}
      aria-level={row.depth + 1}
      aria-posinset={item.position}
      aria-setsize={item.siblings}
      aria-expanded={hasChildren ? !isCollapsed : undefined}
      aria-selected={isSelected}
      tabIndex={props.isActive ? 0 : -1}
      style={{ top: props.top, height: props.height, '--depth': indent }}
      onClick={() => props.onSelect(row.spanId, index)}
    >
      <span class="t-name">
        <span
          class={hasChildren ? 'toggle' : 'toggle none'}
          aria-hidden="true"
          onClick={(event) => {
            if (!hasChildren) return;
            event.stopPropagation();
            props.onToggle(row.spanId);
          }}
        >
          <ChevronIcon />
        </span>
        <TypeMark type={row.type} />
        <span class="t-text" title={row.model === null ? row.name : `${row.name}\n${row.model}`}>
          <span class={row.name === '' ? 't-title muted' : 't-title'}>{row.name || 'without a name'}</span>
          {row.model !== null && <span class="t-model muted">{row.model}</span>}
        </span>
        <LevelBadge level={row.level} />
        {row.isOrphan && <CountBadge kind="orphan" count={1} />}
        <CountBadge kind="warning" count={row.warnings} />
      </span>
      <span class="t-duration number">{row.durationMs === null ? '–' : duration(row.durationMs)}</span>
      <span class="t-tokens number">{row.tokens !== null && <Amount value={row.tokens} as="tokens" />}</span>
      <span class="t-cost number">{row.cost !== null && <Amount value={row.cost} as="cost" />}</span>
      <Bar item={item} wholeMs={props.wholeMs} />
    </div>
  );
}

export const TreeRowView = memo(Row);
