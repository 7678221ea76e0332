import { useEffect, useRef } from 'preact/hooks';
import type { DeadLetterList, Overview, Trouble } from '../../src/inspector/api';
import { usePoll } from './net/poll';
import { reach } from './net/reach';
import { useStore } from './net/use-store';
import { OverviewPage } from './overview/overview-page';
import { Boundary } from './parts/boundary';
import { Empty } from './parts/small';
import type { Route } from './route';
import { Shell } from './shell';
import { TracePage } from './trace/trace-page';
import { TracesPage } from './traces/traces-page';
import { countTroubles } from './trouble/count';
import { TroublePage } from './trouble/trouble-page';
import { useRoute } from './use-route';

const TITLES: Readonly<Record<Route['page'], string>> = {
  overview: 'Overview',
  traces: 'Traces',
  trace: 'Trace',
  trouble: 'Trouble',
  unknown: 'Not found',
};

const OVERVIEW_MS = 2_000;
const TROUBLE_MS = 3_000;
/** For the badge of the navigation and the names of services, while another page is looked at. */
const BESIDE_MS = 10_000;

/** What had the focus may be gone with the page before: then the content has it, and not the very beginning. */
function useFocusKept(content: { readonly current: HTMLElement | null }): void {
  const shown = useRef(location.hash);
  useEffect(() => {
    if (shown.current === location.hash) return;
    shown.current = location.hash;
    if (document.activeElement === document.body) content.current?.focus({ preventScroll: true });
  });
}

export function App() {
  const route = useRoute();
  const isReached = useStore(reach);
  const overview = usePoll<Overview>('/api/overview', route.page === 'overview' ? OVERVIEW_MS : BESIDE_MS);
  const trouble = usePoll<Trouble>('/api/trouble', route.page === 'trouble' ? TROUBLE_MS : BESIDE_MS);
  const deadLetters = usePoll<DeadLetterList>(
    '/api/dead-letters?limit=1',
    route.page === 'trouble' ? TROUBLE_MS : BESIDE_MS,
  );
  const content = useRef<HTMLElement>(null);
  useEffect(() => {
    if (route.page !== 'trace') document.title = `${TITLES[route.page]} · langfuse-otlp-gateway`;
  }, [route.page]);
  useEffect(() => scrollTo(0, 0), [route.page]);
  useFocusKept(content);

  const troubles = trouble.data === null ? 0 : countTroubles(trouble.data, deadLetters.data);
  return (
    <Shell
      page={route.page}
      isReached={isReached}
      troubles={troubles}
      version={overview.data?.version ?? null}
      content={content}
    >
      <Boundary key={route.page === 'trace' ? `trace ${route.traceId}` : route.page}>
        {route.page === 'overview' && <OverviewPage overview={overview.data} problem={overview.problem} />}
        {route.page === 'traces' && <TracesPage filter={route.filter} overview={overview.data} />}
        {route.page === 'trace' && (
          <TracePage
            key={route.traceId}
            traceId={route.traceId}
            spanId={route.spanId}
            mode={overview.data?.mode ?? null}
          />
        )}
        {route.page === 'trouble' && (
          <TroublePage
            trouble={trouble.data}
            problem={trouble.problem}
            startedAt={overview.data?.startedAt ?? null}
            deadLettersTotal={deadLetters.data?.total ?? null}
            onChange={() => {
              trouble.refresh();
              deadLetters.refresh();
            }}
          />
        )}
        {route.page === 'unknown' && (
          <div class="page">
            <h1>Not found</h1>
            <Empty title="There is no such page.">
              <p>
                Go to the <a href="#/">overview</a> or the <a href="#/traces">traces</a>.
              </p>
            </Empty>
          </div>
        )}
      </Boundary>
    </Shell>
  );
}
