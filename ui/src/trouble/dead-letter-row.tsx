import type { DeadLetterView } from '../../../src/inspector/api';
import { Time } from '../parts/small';
import { traceHref } from '../route';
import { bytes, counted, grouped } from '../text/format';

function Spans({ letter }: { letter: DeadLetterView }) {
  const rest = letter.spanCount - letter.spans.length;
  return (
    <details>
      <summary>{counted(letter.spanCount, 'span')}</summary>
      <ul class="letter-spans">
        {letter.spans.map(({ traceId, spanId }) => (
          <li key={`${traceId} ${spanId}`}>
            <a class="mono" href={traceHref(traceId, spanId)} title={`Trace ${traceId}`}>
              {spanId}
            </a>
          </li>
        ))}
        {rest > 0 && <li class="muted">and {grouped(rest)} more</li>}
      </ul>
    </details>
  );
}

export function DeadLetterRow({
  letter,
  onAsk,
}: {
  letter: DeadLetterView;
  onAsk: (action: 'replay' | 'drop') => void;
}) {
  const { id, reason, status, attempts, destination, firstAt, lastAt } = letter;
  return (
    <li class="letter" data-id={id}>
      <div class="letter-text">
        <p>
          <code>{reason}</code>
          {status !== null && <span> HTTP {status}</span>}
          <span class="muted">
            {' '}
            after {counted(attempts, 'attempt')} at {destination}
          </span>
        </p>
        <p class="muted">
          <code>{id}</code> · <Time iso={firstAt} />
          {lastAt !== firstAt && (
            <>
              {' '}
              to <Time iso={lastAt} />
            </>
          )}{' '}
          · {bytes(letter.bytes)}
        </p>
        <Spans letter={letter} />
      </div>
      <div class="letter-actions">
        <button type="button" class="button" aria-label={`Replay ${id}`} onClick={() => onAsk('replay')}>
          Replay
        </button>
        <button type="button" class="button danger" aria-label={`Drop ${id}`} onClick={() => onAsk('drop')}>
          Drop
        </button>
      </div>
    </li>
  );
}
