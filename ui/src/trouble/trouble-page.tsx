import type { Trouble } from '../../../src/inspector/api';
import { Problem } from '../parts/small';
import { minuteClock } from '../text/format';
import { DeadLetters } from './dead-letters';
import { Glance } from './glance';
import { Rejections } from './rejections';
import { Orphans, Refusals, Warnings } from './tables';

export function TroublePage(props: {
  readonly trouble: Trouble | null;
  readonly problem: string | null;
  readonly startedAt: string | null;
  readonly deadLettersTotal: number | null;
  readonly onChange: () => void;
}) {
  const { trouble, problem } = props;
  const since = props.startedAt === null ? 'the start' : minuteClock(props.startedAt);
  return (
    <div class="page">
      <h1>Trouble</h1>
      <Problem text={problem} />
      {trouble === null && problem === null && <p class="muted">Asking the gateway…</p>}
      {trouble !== null && <Glance trouble={trouble} deadLetters={props.deadLettersTotal ?? 0} />}
      <DeadLetters total={props.deadLettersTotal} onChange={props.onChange} />
      {trouble !== null && (
        <>
          <Rejections rejections={trouble.rejections} since={since} />
          <Refusals refusals={trouble.refusals} since={since} />
          <Orphans orphans={trouble.orphans} since={since} />
          <Warnings warnings={trouble.warnings} since={since} />
        </>
      )}
    </div>
  );
}
