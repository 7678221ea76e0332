import { useRef, useState } from 'preact/hooks';
import type { DeadLetterView } from '../../../src/inspector/api';
import { send } from '../net/request';
import { Confirm } from '../parts/confirm';
import { Empty, Problem, Section } from '../parts/small';
import { bytes, counted } from '../text/format';
import { DeadLetterRow } from './dead-letter-row';
import { useDeadLetters } from './use-dead-letters';

export type Action = 'replay' | 'drop';

interface Question {
  readonly action: Action;
  readonly letter: DeadLetterView;
}

const ACTIONS = {
  replay: {
    title: 'Replay this dead letter?',
    button: 'Replay',
    says: ({ spanCount, destination }: DeadLetterView) =>
      `${counted(spanCount, 'span')} go back into the queue for ${destination}, and are sent again. The dead letter is gone then; what fails again becomes a new one.`,
    run: ({ id }: DeadLetterView) => send('POST', `/api/dead-letters/${encodeURIComponent(id)}/replay`),
    done: ({ spanCount }: DeadLetterView) => `Replayed: ${counted(spanCount, 'span')} went back into the queue.`,
  },
  drop: {
    title: 'Drop this dead letter?',
    button: 'Drop',
    says: ({ spanCount }: DeadLetterView) =>
      `${counted(spanCount, 'span')} are removed for good. They were not delivered, and cannot be brought back.`,
    run: ({ id }: DeadLetterView) => send('DELETE', `/api/dead-letters/${encodeURIComponent(id)}`),
    done: ({ spanCount }: DeadLetterView) => `Dropped: ${counted(spanCount, 'span')} are gone.`,
  },
} as const;

/** Asks, does it, and says what came of it. */
function useQuestion(onDone: () => void) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState('');
  const outcomeLine = useRef<HTMLParagraphElement>(null);
  const confirm = async () => {
    if (question === null || isBusy) return;
    const { action, letter } = question;
    setBusy(true);
    try {
      await ACTIONS[action].run(letter);
      setOutcome(ACTIONS[action].done(letter));
    } catch (error) {
      setOutcome(`${ACTIONS[action].button} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
    setBusy(false);
    setQuestion(null);
    onDone();
    // The button that had the focus may be gone with its row.
    outcomeLine.current?.focus();
  };
  return { question, ask: setQuestion, isBusy, outcome, outcomeLine, confirm };
}

export function DeadLetters({ total, onChange }: { total: number | null; onChange: () => void }) {
  const { list, problem, reload, loadMore } = useDeadLetters(total);
  const { question, ask, isBusy, outcome, outcomeLine, confirm } = useQuestion(() => {
    void reload();
    onChange();
  });
  const note = (
    <span class="note">
      {list !== null && list.total > 0 && `${counted(list.total, 'dead letter')}, ${bytes(list.bytes)}`}
    </span>
  );
  return (
    <Section id="dead-letters" title="Dead letters" note={note}>
      <Problem text={problem} />
      <p ref={outcomeLine} class="outcome" role="status" aria-live="polite" tabIndex={-1}>
        {outcome}
      </p>
      {list?.letters.length === 0 && <Empty title="No dead letters: everything accepted is delivered or on its way." />}
      {list !== null && list.letters.length > 0 && (
        <ul class="letters">
          {list.letters.map((letter) => (
            <DeadLetterRow key={letter.id} letter={letter} onAsk={(action) => ask({ action, letter })} />
          ))}
        </ul>
      )}
      {list !== null && list.next !== null && (
        <button type="button" class="button load-more" onClick={loadMore}>
          Load more
        </button>
      )}
      {question !== null && (
        <Confirm
          title={ACTIONS[question.action].title}
          action={ACTIONS[question.action].button}
          isDangerous={question.action === 'drop'}
          isBusy={isBusy}
          onConfirm={() => void confirm()}
          onCancel={() => ask(null)}
        >
          <p>{ACTIONS[question.action].says(question.letter)}</p>
          <p class="muted">
            <code>{question.letter.id}</code>
          </p>
        </Confirm>
      )}
    </Section>
  );
}
