import { useEffect, useRef, useState } from 'preact/hooks';
import type { Note, Observation, SpanDetail } from '../../../src/inspector/api';
import { getJson, problemOf, RequestError } from '../net/request';
import { Boundary } from '../parts/boundary';
import { BackIcon, RepairIcon, WarningIcon } from '../parts/icons';
import { Cut, LevelBadge, Problem } from '../parts/small';
import { Tabs } from '../parts/tabs';
import { TypeMark } from '../parts/type-mark';
import { ObservationFacts, SentFacts } from './facts';
import { LongText, SentJson } from './long-text';
import { Metadata } from './metadata';
import { ValueSection } from './value';

type View = 'langfuse' | 'sent';

const VIEWS = [
  { id: 'langfuse', title: 'As Langfuse reads it' },
  { id: 'sent', title: 'As sent (OTLP)' },
] as const;

interface Loaded {
  readonly detail: SpanDetail | null;
  readonly problem: string | null;
}

/** What was shown stays until the next is there, so that going through a tree by keys does not flicker. */
function useDetail(traceId: string, spanId: string, version: number): Loaded {
  const [loaded, setLoaded] = useState<Loaded>({ detail: null, problem: null });
  useEffect(() => {
    const abort = new AbortController();
    const path = `/api/traces/${encodeURIComponent(traceId)}/spans/${encodeURIComponent(spanId)}`;
    getJson<SpanDetail>(path, abort.signal).then(
      (detail) =>
        setLoaded((old) => (isSame(old.detail, detail) ? { ...old, problem: null } : { detail, problem: null })),
      (error: unknown) => {
        if (!abort.signal.aborted)
          setLoaded((old) => ({ detail: isOf(old.detail, spanId) ? old.detail : null, problem: wordsOf(error) }));
      },
    );
    return () => abort.abort();
  }, [traceId, spanId, version]);
  return loaded;
}

const isOf = (detail: SpanDetail | null, spanId: string): boolean => detail?.observation.spanId === spanId;

/** A trace that grows asks again for what has not changed; then nothing is to be drawn. */
const isSame = (a: SpanDetail | null, b: SpanDetail): boolean =>
  a !== null &&
  isOf(a, b.observation.spanId) &&
  a.receivedAt === b.receivedAt &&
  a.repairs.length === b.repairs.length &&
  a.warnings.length === b.warnings.length;

function wordsOf(error: unknown): string | null {
  if (error instanceof RequestError && error.status === 404) return 'This observation is not kept (any more).';
  return problemOf(error);
}

function Notes({ repairs, warnings }: { repairs: readonly Note[]; warnings: readonly Note[] }) {
  if (repairs.length + warnings.length === 0) return null;
  const line = (kind: 'repair' | 'warning', { name, text }: Note) => (
    <li key={`${kind} ${name}`} data-kind={kind}>
      {kind === 'repair' ? <RepairIcon /> : <WarningIcon />}
      <span>
        <span class="visually-hidden">{kind}: </span>
        {text} <code>{name}</code>
      </span>
    </li>
  );
  return (
    <section class="notes" aria-labelledby="notes">
      <h3 id="notes">What the gateway did</h3>
      <ul>
        {repairs.map((note) => line('repair', note))}
        {warnings.map((note) => line('warning', note))}
      </ul>
    </section>
  );
}

function Head({ observation }: { observation: Observation }) {
  const { type, name, level, statusMessage } = observation;
  return (
    <>
      <div class="span-head">
        <TypeMark type={type} />
        <h2>
          <Cut text={name || 'without a name'} />
        </h2>
        <span class="note">{type}</span>
        <LevelBadge level={level} />
      </div>
      {statusMessage !== null && (
        <div class="status-message" data-level={level}>
          <LongText text={statusMessage} first={2_000} />
        </div>
      )}
    </>
  );
}

function Sent({ detail }: { detail: SpanDetail }) {
  const { sent } = detail;
  return (
    <>
      <SentFacts detail={detail} />
      {!detail.isFull && <p class="muted">Attributes that carry payload are not kept: inspector: metadata.</p>}
      <h3>Span</h3>
      <SentJson json={sent.span} label="The span as JSON" />
      <details>
        <summary>Resource</summary>
        <SentJson json={sent.resource} label="The resource as JSON" />
      </details>
      <details>
        <summary>Scope</summary>
        <SentJson json={sent.scope} label="The scope as JSON" />
      </details>
    </>
  );
}

function Detail({ detail, view, onView }: { detail: SpanDetail; view: View; onView: (view: View) => void }) {
  const { observation, isFull } = detail;
  return (
    <>
      <Head observation={observation} />
      <ObservationFacts observation={observation} />
      <Notes repairs={detail.repairs} warnings={detail.warnings} />
      <Tabs label="Views of the observation" tabs={VIEWS} selected={view} onSelect={onView}>
        {view === 'langfuse' ? (
          <div key={observation.spanId}>
            <ValueSection id="input" title="Input" text={observation.input} isFull={isFull} />
            <ValueSection id="output" title="Output" text={observation.output} isFull={isFull} />
            <Metadata metadata={observation.metadata} />
          </div>
        ) : (
          <Sent key={observation.spanId} detail={detail} />
        )}
      </Tabs>
    </>
  );
}

/** `back` is where the way back leads, where the detail stands alone. */
export function SpanPane(props: { traceId: string; spanId: string; version: number; back: string | null }) {
  const { detail, problem } = useDetail(props.traceId, props.spanId, props.version);
  const [view, setView] = useState<View>('langfuse');
  const pane = useRef<HTMLElement>(null);
  const shownId = detail?.observation.spanId;
  useEffect(() => {
    if (pane.current !== null) pane.current.scrollTop = 0;
  }, [shownId]);
  return (
    <section ref={pane} class="span-pane" aria-label="Selected observation" data-span-id={shownId}>
      {props.back !== null && (
        <a class="button back" href={props.back}>
          <BackIcon /> All observations
        </a>
      )}
      <Problem text={problem} />
      {detail === null && problem === null && <p class="muted">Asking the gateway…</p>}
      {detail !== null && (
        <Boundary key={shownId}>
          <Detail detail={detail} view={view} onView={setView} />
        </Boundary>
      )}
    </section>
  );
}
