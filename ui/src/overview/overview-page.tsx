import { useEffect, useRef, useState } from 'preact/hooks';
import type { Overview, TraceList, TraceSummary } from '../../../src/inspector/api';
import { getJson } from '../net/request';
import { Problem } from '../parts/small';
import { ClientsSection } from './clients';
import { CoverageSection } from './coverage';
import { FirstTrace } from './first-trace';
import { FlowSection } from './flow';
import { HealthSection } from './health';
import { TotalsSection } from './totals';

const isEmpty = ({ totals, kept, clients }: Overview): boolean =>
  totals.accepted === 0 && kept.traces === 0 && clients.length === 0;

/** The newest trace once there is one, for who does not hear of it by the events. */
function useFirstTrace(isWanted: boolean): TraceSummary | null {
  const [trace, setTrace] = useState<TraceSummary | null>(null);
  useEffect(() => {
    if (!isWanted) return;
    getJson<TraceList>('/api/traces?limit=1').then(
      ({ traces }) => setTrace(traces[0] ?? null),
      () => setTrace(null),
    );
  }, [isWanted]);
  return trace;
}

export function OverviewPage({ overview, problem }: { overview: Overview | null; problem: string | null }) {
  // Whoever has seen the page empty is told of the first trace, and not left with a page that has just changed.
  const wasEmpty = useRef(false);
  const empty = overview !== null && isEmpty(overview);
  if (empty) wasEmpty.current = true;
  const firstTrace = useFirstTrace(wasEmpty.current && overview !== null && overview.kept.traces > 0);
  return (
    <div class="page">
      <h1>Overview</h1>
      <Problem text={problem} />
      {overview === null && problem === null && <p class="muted">Asking the gateway…</p>}
      {overview !== null && (
        <>
          {wasEmpty.current && <FirstTrace {...overview} isEmpty={empty} firstTrace={firstTrace} />}
          <HealthSection overview={overview} />
          <FlowSection flow={overview.flow} />
          <div class="columns">
            <CoverageSection coverage={overview.coverage} />
            <TotalsSection overview={overview} />
          </div>
          <ClientsSection clients={overview.clients} now={overview.now} />
        </>
      )}
    </div>
  );
}
