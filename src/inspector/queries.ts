import { REPAIR_TEXTS } from '../admission/repair-texts';
import { WARNING_TEXTS } from '../admission/warnings';
import { type Observation, observe } from '../langfuse/observation/observation';
import { scanRequest } from '../otlp/scan';
import { RESOURCE_SPANS, SCOPE_SPANS } from '../otlp/schema';
import { spanJson, wireJson } from '../otlp/wire-json';
import type { SentSpan, SpanDetail, TraceList, TraceSummary, TraceTree, TreeRow } from './api';
import { senderView } from './client-info';
import { iso } from './clients';
import { cut, cutObservation } from './cut';
import type { Inspector } from './inspector';
import { receivedPosition } from './kept-request';
import { forgetViews, type Row, spanOf } from './row';
import { matches, matchesRejected, type TraceFilter } from './trace-filter';
import { TraceRows } from './trace-rows';

/** What is asked of the inspector about traces. */
export class TraceQueries {
  readonly #inspector: Inspector;

  constructor(inspector: Inspector) {
    this.#inspector = inspector;
  }

  /** Newest first. `before`: the trace id after which the page begins, or a time, then of traces that started earlier. */
  async list(page: { limit: number; before: string | undefined; filter: TraceFilter }): Promise<TraceList> {
    const { index, troubles } = this.#inspector;
    await index.read();
    const { limit, before, filter } = page;
    // Those of which nothing was accepted are nowhere else.
    const all = [...index.newestFirst(), ...(filter.rejected ? this.#rejectedAlone() : [])];
    const cursor = before === undefined ? -1 : all.findIndex(({ traceId }) => traceId === before);
    // Neither a trace that is known nor a time: the page after a trace that was forgotten is empty.
    const beforeMs = before !== undefined && cursor === -1 ? Date.parse(before) : undefined;
    const found: TraceSummary[] = [];
    for (let at = cursor + 1; at < all.length && found.length <= limit; at++) {
      const trace = all[at]!;
      const isKept = trace instanceof TraceRows;
      const { startTime } = isKept ? trace.summary() : trace;
      if (beforeMs !== undefined && !(Date.parse(startTime) < beforeMs)) continue;
      const rejected = troubles.rejectedOf(trace.traceId);
      if (!(isKept ? matches(filter, trace, rejected) : matchesRejected(filter, trace))) continue;
      found.push(isKept ? { ...trace.summary(), rejected } : trace);
    }
    const traces = found.slice(0, limit);
    return { traces, next: found.length > limit ? traces.at(-1)!.traceId : null };
  }

  /** Those that are kept. */
  summaries(traceIds: readonly string[]): TraceSummary[] {
    const { index, troubles } = this.#inspector;
    return traceIds.flatMap((traceId) => {
      const trace = index.trace(traceId);
      return trace === undefined ? [] : { ...trace.summary(), rejected: troubles.rejectedOf(traceId) };
    });
  }

  /** As `explain --json` prints them, in tree order, read one by one. */
  async *observations(traceId: string, page: Page): AsyncGenerator<Observation> {
    const trace = await this.#trace(traceId);
    if (trace === undefined) return;
    for (const row of paged(trace.ordered(), page).items) yield observationOf(row.node);
  }

  async tree(traceId: string, page: Page): Promise<TraceTree> {
    const trace = await this.#trace(traceId);
    if (trace === undefined) return { trace: null, rows: [], next: null };
    const startMs = Date.parse(trace.summary().startTime);
    const { items, next } = paged(trace.ordered(), page);
    const rows = items.map(({ node, depth, isOrphan }): TreeRow => {
      const { spanId, parentSpanId, name, type, level, model, tokens, service, repairs, warnings } = node;
      const [from, to] = [node.startTime, node.endTime].map((time) => (time === null ? null : Date.parse(time)));
      return {
        ...{ spanId, parentSpanId, depth, isOrphan, name, type },
        startMs: from == null ? null : from - startMs,
        durationMs: from == null || to == null ? null : to - from,
        ...{ level, model, tokens, cost: node.dollars, service, repairs, warnings },
      };
    });
    return { trace: this.summaries([traceId])[0] ?? null, rows, next };
  }

  async span(traceId: string, spanId: string): Promise<SpanDetail | undefined> {
    const row = (await this.#trace(traceId))?.row(spanId);
    if (row === undefined) return undefined;
    const { request, scanned } = row;
    const observation = cutObservation(observe(spanOf(row)));
    const { repairs, warnings } = request.notes(scanned.ordinal);
    const sender = senderView(request.sender, scanned.scope);
    forgetViews(scanned.scope);
    return {
      observation: { ...observation, repairs, warnings },
      isFull: this.#inspector.mode === 'full',
      repairs: repairs.map((name) => ({ name, text: REPAIR_TEXTS[name] })),
      warnings: warnings.map((name) => ({ name, text: `A span ${WARNING_TEXTS[name]}.` })),
      sent: sentSpan(row),
      sender,
      receivedAt: iso(request.receivedAtMs),
      destination: request.destination,
    };
  }

  async #trace(traceId: string): Promise<TraceRows | undefined> {
    const { index } = this.#inspector;
    await index.read();
    return index.trace(traceId);
  }

  #rejectedAlone(): TraceSummary[] {
    const { index, troubles } = this.#inspector;
    const alone = troubles.rejectedTraces().filter(({ traceId }) => index.trace(traceId) === undefined);
    return alone.map(({ traceId, spans, lastMs, name }) => ({
      ...{ traceId, name, observations: 0, startTime: iso(lastMs), durationMs: 0, sessionId: null, userId: null },
      ...{ warnings: 0, repairs: 0, rejected: spans, services: [], types: {}, errors: 0, tokens: null, cost: null },
      lastSeenAt: iso(lastMs),
    }));
  }
}

/** `after`: the span id behind which it begins; absent: from the start. */
export interface Page {
  readonly limit: number;
  readonly after: string | undefined;
}

function paged<T extends { node: { spanId: string } }>(all: readonly T[], { limit, after }: Page) {
  const from = after === undefined ? 0 : all.findIndex(({ node }) => node.spanId === after) + 1;
  // Behind a span that is not known there is nothing, or a reader would turn in circles.
  const items = after !== undefined && from === 0 ? [] : all.slice(from, from + limit);
  const isMore = items.length > 0 && from + items.length < all.length;
  return { items, next: isMore ? items.at(-1)!.node.spanId : null };
}

/** So large that its observation is cut, or the answer would be larger than a string can be. */
const LARGE_SPAN_BYTES = 16 * 1024 * 1024;

function observationOf(row: Row): Observation {
  const { request, scanned } = row;
  const observation = observe(spanOf(row));
  forgetViews(scanned.scope);
  const isLarge = scanned.end - scanned.start > LARGE_SPAN_BYTES;
  return { ...(isLarge ? cutObservation(observation) : observation), ...request.notes(scanned.ordinal) };
}

const SENT_CHARACTERS_MAX = 1_000_000;

function sentSpan({ request, scanned: kept }: Row): SentSpan {
  const { received } = request;
  const { scope } = kept;
  const heads = {
    resource: pretty(wireJson(RESOURCE_SPANS, scope.resource.head)),
    scope: pretty(wireJson(SCOPE_SPANS, scope.head)),
  };
  if (received === undefined) return { format: 'protobuf', span: pretty(spanJson(request.bytes, kept)), ...heads };
  const { format, texts } = received;
  const at = receivedPosition(request, kept.ordinal);
  if (texts === undefined) {
    const scanned = scanRequest(received.bytes, { check: false }).spans[at]!;
    return { format, span: pretty(spanJson(received.bytes, scanned)), ...heads };
  }
  const [start, end] = texts.ranges.slice(at * 2, at * 2 + 2);
  return { format, span: cut(texts.bytes.toString('utf8', start, end).trim(), SENT_CHARACTERS_MAX), ...heads };
}

const pretty = (json: object) => cut(JSON.stringify(json, undefined, 2), SENT_CHARACTERS_MAX);
