import { useState } from 'preact/hooks';
import { ChevronIcon } from '../parts/icons';
import { counted, grouped } from '../text/format';
import { Image, LongText } from './long-text';
import { isImageUri } from './texts';

const CHILDREN_SHOWN = 100;
const OPEN_CHILDREN_MAX = 30;

function Leaf({ value }: { value: unknown }) {
  if (typeof value === 'string') {
    if (isImageUri(value)) return <Image source={value} alt="Image in the value" />;
    return (
      <span class="json-string">
        <LongText text={value} />
      </span>
    );
  }
  return <span class="json-atom">{String(value)}</span>;
}

const isBranch = (value: unknown): value is object => typeof value === 'object' && value !== null;

const sizeOf = (value: object): string =>
  Array.isArray(value) ? `[ ${counted(value.length, 'item')} ]` : `{ ${counted(Object.keys(value).length, 'key')} }`;

function Branch({ name, value, depth }: { name: string | null; value: object; depth: number }) {
  const [isOpen, setOpen] = useState(depth < 2 && Object.keys(value).length <= OPEN_CHILDREN_MAX);
  return (
    <div>
      <button type="button" class="json-toggle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <ChevronIcon />
        {name !== null && <span class="json-key">{name}</span>}
        <span class="muted">{sizeOf(value)}</span>
      </button>
      {isOpen && <Children value={value} depth={depth + 1} />}
    </div>
  );
}

/** Only what is open is drawn, and of many children the first ones. */
function Children({ value, depth }: { value: object; depth: number }) {
  const [shown, setShown] = useState(CHILDREN_SHOWN);
  const entries = Object.entries(value);
  return (
    <ul class="json-children">
      {entries.slice(0, shown).map(([key, child]) => (
        <li key={key}>
          <Node name={key} value={child} depth={depth} />
        </li>
      ))}
      {entries.length > shown && (
        <li>
          <button type="button" class="button more" onClick={() => setShown(shown + 10 * CHILDREN_SHOWN)}>
            Show more of {grouped(entries.length)}
          </button>
        </li>
      )}
    </ul>
  );
}

function Node({ name, value, depth }: { name: string | null; value: unknown; depth: number }) {
  if (isBranch(value)) return <Branch name={name} value={value} depth={depth} />;
  return (
    <div class="json-leaf">
      {name !== null && <span class="json-key">{name}</span>}
      <Leaf value={value} />
    </div>
  );
}

export function JsonTree({ value }: { value: unknown }) {
  return (
    <div class="json">
      <Node name={null} value={value} depth={0} />
    </div>
  );
}
