import { useState } from 'preact/hooks';
import type { RejectionView, SenderView, Trouble } from '../../../src/inspector/api';
import { Cut, Empty, Section, Time } from '../parts/small';
import { traceHref } from '../route';
import { counted, grouped } from '../text/format';

const SHOWN = 15;

function senderText({ service, sdk, sdkVersion, userAgent, address, key }: SenderView): string {
  const program = sdk === null ? userAgent : [sdk, sdkVersion].filter(Boolean).join(' ');
  return [service, program, address, key === null ? null : `key ${key}`].filter(Boolean).join(' · ') || 'unknown';
}

function Row({ rejection }: { rejection: RejectionView }) {
  const { at, reason, field, description, name, traceId, sender } = rejection;
  return (
    <tr>
      <td data-label="Time">
        <Time iso={at} />
      </td>
      <td data-label="Reason">
        <code>{reason}</code>
      </td>
      <td data-label="What is wrong">
        <span>
          <code class="field">{field}</code> {description}
        </span>
      </td>
      <td data-label="Span">
        <span class="rejected-span">
          <Cut text={name ?? 'not readable'} class={name === null ? 'muted' : ''} />
          {traceId !== null && (
            <a href={traceHref(traceId)} title={traceId}>
              trace
            </a>
          )}
        </span>
      </td>
      <td data-label="Sender">
        <Cut text={senderText(sender)} />
      </td>
    </tr>
  );
}

export function Rejections({ rejections, since }: { rejections: Trouble['rejections']; since: string }) {
  const { total, byReason, latest } = rejections;
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? latest : latest.slice(0, SHOWN);
  const note = <span class="note">{total > 0 && `${counted(total, 'span')} since ${since}`}</span>;
  return (
    <Section id="rejections" title="Rejected spans" note={note}>
      {total === 0 && <Empty title={`Nothing was rejected since ${since}.`} />}
      {total > 0 && (
        <ul class="reasons">
          {Object.entries(byReason)
            .sort(([, a], [, b]) => b - a)
            .map(([reason, spans]) => (
              <li key={reason}>
                <code>{reason}</code> <strong>{grouped(spans)}</strong>
              </li>
            ))}
        </ul>
      )}
      {latest.length > 0 && (
        <table class="table stacked rejections">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Reason</th>
              <th scope="col">What is wrong</th>
              <th scope="col">Span</th>
              <th scope="col">Sender</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((rejection, index) => (
              <Row key={`${rejection.at} ${latest.length - index}`} rejection={rejection} />
            ))}
          </tbody>
        </table>
      )}
      {latest.length > shown.length && (
        <button type="button" class="button" onClick={() => setWhole(true)}>
          Show the latest {grouped(latest.length)}
        </button>
      )}
    </Section>
  );
}
