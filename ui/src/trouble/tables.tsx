import type { ComponentChildren } from 'preact';
import type { Trouble } from '../../../src/inspector/api';
import { Cut, Empty, Section, Time } from '../parts/small';
import { traceHref } from '../route';
import { counted, grouped } from '../text/format';

interface Cell {
  readonly title: string;
  readonly content: ComponentChildren;
  readonly isNumber?: boolean;
}

/** The first column names the row. */
function Table({
  rows,
  class: name,
}: {
  rows: readonly { readonly key: string; readonly cells: readonly Cell[] }[];
  class: string;
}) {
  return (
    <table class={`table stacked ${name}`}>
      <thead>
        <tr>
          {rows[0]?.cells.map(({ title, isNumber }) => (
            <th key={title} scope="col" class={isNumber ? 'number' : ''}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, cells }) => (
          <tr key={key}>
            {cells.map(({ title, content, isNumber }) => (
              <td key={title} data-label={title} class={isNumber ? 'number' : ''}>
                {content}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Refusals({ refusals, since }: { refusals: Trouble['refusals']; since: string }) {
  const total = refusals.reduce((sum, { requests }) => sum + requests, 0);
  const rows = refusals.map(({ status, message, path, userAgent, requests, lastAt }) => ({
    key: `${status} ${message} ${path} ${userAgent}`,
    cells: [
      { title: 'Status', content: <code>{status}</code> },
      { title: 'Answer', content: message },
      { title: 'Path', content: <Cut text={path} class="mono" /> },
      { title: 'User agent', content: <Cut text={userAgent ?? '–'} /> },
      { title: 'Requests', content: grouped(requests), isNumber: true },
      { title: 'Last', content: <Time iso={lastAt} />, isNumber: true },
    ],
  }));
  const note = <span class="note">{total > 0 && `${counted(total, 'request')} since ${since}`}</span>;
  return (
    <Section id="refusals" title="Refused requests" note={note}>
      {rows.length === 0 ? (
        <Empty title={`No request was refused since ${since}.`} />
      ) : (
        <Table rows={rows} class="refusals" />
      )}
    </Section>
  );
}

export function Orphans({ orphans, since }: { orphans: Trouble['orphans']; since: string }) {
  const rows = orphans.latest.map(({ at, traceId, spanId, parentSpanId, spans }) => ({
    key: `${traceId} ${parentSpanId}`,
    cells: [
      { title: 'Parent that did not come', content: <code>{parentSpanId}</code> },
      { title: 'Children', content: grouped(spans), isNumber: true },
      {
        title: 'First child',
        content: (
          <a class="mono" href={traceHref(traceId, spanId)} title={`Trace ${traceId}`}>
            {spanId}
          </a>
        ),
      },
      { title: 'Time', content: <Time iso={at} />, isNumber: true },
    ],
  }));
  const note = <span class="note">{orphans.total > 0 && `${counted(orphans.total, 'parent')} since ${since}`}</span>;
  return (
    <Section id="orphans" title="Missing parents" note={note}>
      {rows.length === 0 ? (
        <Empty title={`Every parent has come since ${since}.`} />
      ) : (
        <Table rows={rows} class="orphans" />
      )}
    </Section>
  );
}

export function Warnings({ warnings, since }: { warnings: Trouble['warnings']; since: string }) {
  const rows = warnings.map(({ name, text, spans, lastAt, example }) => ({
    key: name,
    cells: [
      { title: 'Warning', content: <code>{name}</code> },
      { title: 'What it means', content: text },
      { title: 'Spans', content: grouped(spans), isNumber: true },
      {
        title: 'Example',
        content: (
          <a
            class="mono"
            href={traceHref(example.traceId, example.spanId)}
            aria-label={`Example of ${name}: span ${example.spanId}`}
          >
            {example.spanId}
          </a>
        ),
      },
      { title: 'Last', content: <Time iso={lastAt} />, isNumber: true },
    ],
  }));
  return (
    <Section id="warnings" title="Warnings" note={<span class="note">what senders might mend</span>}>
      {rows.length === 0 ? (
        <Empty title={`Nothing to warn of since ${since}.`} />
      ) : (
        <Table rows={rows} class="warnings" />
      )}
    </Section>
  );
}
