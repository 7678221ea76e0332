import { useMemo, useState } from 'preact/hooks';
import { counted } from '../text/format';
import { LongText } from './long-text';

type Entry = readonly [key: string, value: string];

const ORDERS = {
  sent: { title: 'as sent', sort: (entries: readonly Entry[]) => entries },
  key: { title: 'by key', sort: (entries: readonly Entry[]) => entries.toSorted(([a], [b]) => a.localeCompare(b)) },
  value: {
    title: 'by value',
    sort: (entries: readonly Entry[]) => entries.toSorted(([, a], [, b]) => a.localeCompare(b)),
  },
} as const;

type Order = keyof typeof ORDERS;

/** What Langfuse adds to the sender's own keys. */
const GROUPS = ['attributes', 'resourceAttributes', 'scope'] as const;

const groupOf = (key: string): string => GROUPS.find((group) => key === group || key.startsWith(`${group}.`)) ?? '';

const ENTRIES_SHOWN = 200;

function Entries({ entries, cut }: { entries: readonly Entry[]; cut: number }) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? entries : entries.slice(0, ENTRIES_SHOWN);
  const rest = entries.length - shown.length;
  return (
    <>
      <dl class="entries">
        {shown.map(([key, value]) => (
          <div key={key}>
            <dt title={key}>{key.slice(cut)}</dt>
            <dd>
              <LongText text={value} first={500} />
            </dd>
          </div>
        ))}
      </dl>
      {rest > 0 && (
        <button type="button" class="button more" onClick={() => setWhole(true)}>
          Show {counted(rest, 'more key')}
        </button>
      )}
    </>
  );
}

export function Metadata({ metadata }: { metadata: Readonly<Record<string, string>> }) {
  const [wanted, setWanted] = useState('');
  const [order, setOrder] = useState<Order>('sent');
  const all = useMemo(() => Object.entries(metadata), [metadata]);
  const found = useMemo(() => {
    const word = wanted.trim().toLowerCase();
    const matches = ([key, value]: Entry) => key.toLowerCase().includes(word) || value.toLowerCase().includes(word);
    return ORDERS[order].sort(word === '' ? all : all.filter(matches));
  }, [all, wanted, order]);
  const own = found.filter(([key]) => groupOf(key) === '');
  return (
    <section class="value" aria-labelledby="metadata">
      <div class="value-head">
        <h3 id="metadata">Metadata</h3>
        <span class="note">{counted(all.length, 'key')}</span>
        <input
          type="search"
          aria-label="Filter the metadata"
          placeholder="Filter"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
        <select
          aria-label="Order of the metadata"
          value={order}
          onChange={(event) => setOrder(event.currentTarget.value as Order)}
        >
          {Object.entries(ORDERS).map(([id, { title }]) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </div>
      {all.length === 0 && <p class="muted">none</p>}
      {all.length > 0 && found.length === 0 && <p class="muted">No key or value contains this.</p>}
      {own.length > 0 && <Entries entries={own} cut={0} />}
      {GROUPS.map((group) => {
        const members = found.filter(([key]) => groupOf(key) === group);
        if (members.length === 0) return null;
        return (
          <details key={group} open={wanted !== ''}>
            <summary>
              <code>{group}</code> <span class="muted">{counted(members.length, 'key')}</span>
            </summary>
            <Entries entries={members} cut={group.length + 1} />
          </details>
        );
      })}
    </section>
  );
}
