import type { Draft } from '../langfuse/draft';
import { addMetadata, METADATA, VISIBILITY_RULES } from '../langfuse/visibility';
import { assembleRequest, type SpanPart } from '../otlp/assemble';
import { appendToSpan, editSpan, type SpanEdit } from '../otlp/edit-span';
import { type OriginalIds, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../otlp/ids';
import { NO_PARENT } from '../otlp/outline';
import { ReceivedSpan } from '../otlp/received-span';
import type { ScannedRequest } from '../otlp/scan';
import { SpanReader } from '../otlp/span-index';
import { adopt } from './adoption';
import { HeadRewriter } from './heads';
import { kindField } from './kind-field';
import type { NoteSheet } from './note-sheet';
import type { ParentWatch } from './parent-watch';
import { CONTEXT_REPAIR, type RepairName } from './repairs';
import { SpanDraft } from './span-draft';
import { bitsOf, createRowReader, type FeatureBits, has, lacksItsKindOnly, type SpanRow } from './span-rows';
import type { TraceContext } from './trace-context';
import type { Gift } from './trace-group';
import { giftKeys, giftRepairs, TraceGroups, traceAttributeBit } from './trace-groups';
import type { TraceMemory } from './trace-memory';
import type { WarningName } from './warnings';

export interface EnrichOptions {
  /** Of accepted spans. */
  readonly request: ScannedRequest;
  readonly destination: string;
  readonly destinationNumber: number;
  /** Where moves of traces are looked for: the destination, and before it what a page of that key has said. */
  readonly lanes: readonly string[];
  readonly context: TraceContext | undefined;
  /** Ids that could not be read, by position. */
  readonly originalIds: ReadonlyMap<number, OriginalIds>;
  readonly enabled: (repair: RepairName) => boolean;
  /** Of `rulesOf`. */
  readonly rules: Rules;
  readonly memory: TraceMemory;
  readonly parents: ParentWatch;
  readonly nowMs: number;
  /** What is done and found is noted here. */
  readonly repaired: NoteSheet<RepairName>;
  readonly warned: NoteSheet<WarningName>;
}

export interface Enriched {
  /** The received bytes themselves where nothing had to change. */
  readonly bytes: Buffer;
  /** Spans that follow the request's context. */
  readonly followers: number;
  /** To be called when the spans are kept: from now on they may be somebody's parent, or miss theirs. */
  readonly watchParents: () => void;
}

/** A pause is offered each so many spans. */
const STEP_SPANS = 256;

/**
 * Makes a request's spans mean in Langfuse what their senders meant: they follow its trace context, get what Langfuse
 * shows of their trace and show what Langfuse would drop. A span that needs none of it is not decoded, and leaves byte
 * for byte. Yields between spans, so that others get their turn.
 */
export function* enrich(options: EnrichOptions): Generator<void, Enriched> {
  const enrichment = new Enrichment(options);
  const { spans } = options.request;
  yield* each(spans.length, (position) => enrichment.read(spans[position]!));
  enrichment.relate();
  yield* each(spans.length, (position) => enrichment.learn(position));
  yield* each(spans.length, (position) => enrichment.mend(position));
  return enrichment.finish();
}

function* each(spans: number, step: (position: number) => void): Generator<void, void> {
  for (let position = 0; position < spans; position++) {
    if (position % STEP_SPANS === STEP_SPANS - 1) yield;
    step(position);
  }
}

/** The visibility rules that are switched on, each and all of them with what calls for it. */
export interface Rules {
  readonly each: readonly { readonly rule: (typeof VISIBILITY_RULES)[number]; readonly bits: FeatureBits }[];
  readonly bits: FeatureBits;
}

export function rulesOf(enabled: (repair: RepairName) => boolean): Rules {
  const rules = VISIBILITY_RULES.filter(({ repair }) => repair === undefined || enabled(repair));
  return {
    each: rules.map((rule) => ({ rule, bits: bitsOf(rule.features) })),
    bits: bitsOf(rules.flatMap(({ features }) => [...features])),
  };
}

const SESSION_ID = traceAttributeBit('trace_session_id');
const USER_ID = traceAttributeBit('trace_user_id');

class Enrichment {
  readonly #options: EnrichOptions;
  readonly #groups: TraceGroups;
  readonly #readRow: (scanned: ScannedRequest['spans'][number]) => SpanRow;
  readonly #reader: SpanReader;
  readonly #heads = new HeadRewriter();
  readonly #isJsonWanted: boolean;
  readonly #rows: SpanRow[] = [];
  readonly #parts: SpanPart[] = [];
  readonly #receivedAt: Draft['receivedAt'];
  #followers = 0;

  constructor(options: EnrichOptions) {
    const { request, enabled, nowMs } = options;
    const { bytes } = request;
    this.#options = options;
    this.#groups = new TraceGroups({ ...options, bytes });
    this.#readRow = createRowReader(request, (traceIdAt) => this.#groups.at(traceIdAt));
    this.#reader = new SpanReader(bytes);
    this.#isJsonWanted = enabled('values_to_json');
    this.#receivedAt = [Math.floor(nowMs / 1000), Math.floor((nowMs % 1000) * 1e6)];
  }

  read(scanned: ScannedRequest['spans'][number]): void {
    this.#rows.push(this.#readRow(scanned));
  }

  /** Which spans follow a trace context, of this request or an earlier one. */
  relate(): void {
    const { context, lanes, memory, request } = this.#options;
    if (context !== undefined || lanes.some((lane) => memory.hasAdoptions(lane))) {
      this.#followers = adopt(this.#rows, { ...this.#options, bytes: request.bytes, groups: this.#groups });
    }
  }

  /** What the span says of its trace. */
  learn(position: number): void {
    this.#groups.learn(this.#rows[position]!);
  }

  mend(position: number): void {
    const row = this.#rows[position]!;
    const { request, originalIds } = this.#options;
    const lacking = this.#groups.lacking(row);
    const gift = this.#groups.gift(row, lacking);
    const missing = lacking & ~(gift?.given ?? 0);
    if ((missing & SESSION_ID) !== 0) this.#warn(position, 'session_id_missing');
    if ((missing & USER_ID) !== 0) this.#warn(position, 'user_id_missing');
    if (gift !== undefined) for (const repair of giftRepairs(gift.given)) this.#repair(position, repair);
    if (this.#isJsonWanted && this.#heads.valuesToJson(row.scanned.scope)) this.#repair(position, 'values_to_json');
    const original = originalIds.get(position);
    const isPlain = original === undefined && row.movedTo === undefined && (row.emptyKeys & (gift?.given ?? 0)) === 0;
    if (isPlain && lacksItsKindOnly(row, this.#options.rules.bits)) {
      this.#repair(position, 'kind_to_metadata');
      const kind = kindField(row.kind);
      this.#push(row, appendToSpan(request.bytes, row.scanned, gift === undefined ? [kind] : [kind, gift.appendix]));
    } else if (!isPlain || has(row, this.#options.rules.bits)) this.#edit(position, row, { original, gift });
    else if (gift === undefined) this.#leave(row);
    else this.#push(row, appendToSpan(request.bytes, row.scanned, [gift.appendix]));
  }

  finish(): Enriched {
    const { bytes } = this.#options.request;
    const untouched = !this.#heads.changed && this.#parts.every((part) => part.bytes === bytes);
    return {
      bytes: untouched ? bytes : Buffer.concat(assembleRequest(this.#parts)),
      followers: this.#followers,
      watchParents: () => {
        for (const row of this.#rows) this.#watch(row);
      },
    };
  }

  #edit(
    position: number,
    row: SpanRow,
    { original, gift }: { original: OriginalIds | undefined; gift: Gift | undefined },
  ) {
    const { request } = this.#options;
    const span = new ReceivedSpan(this.#reader, row.scanned);
    const draft = new SpanDraft(span, {
      isRoot: row.parentIdAt === NO_PARENT,
      receivedAt: this.#receivedAt,
      warn: (warning) => this.#warn(position, warning),
    });
    for (const { rule, bits } of this.#options.rules.each) {
      if (!has(row, bits)) continue;
      const before = draft.changes;
      rule.apply(draft);
      if (draft.changes > before && rule.repair !== undefined) this.#repair(position, rule.repair);
    }
    this.#keepIds(draft, row, original);
    if (row.movedTo !== undefined) this.#repair(position, CONTEXT_REPAIR);
    // An empty attribute of the same key would be there twice.
    if (gift !== undefined) for (const key of giftKeys(gift.given)) draft.replace(key, undefined);
    const edit: SpanEdit = { ...draft.edit(), ...moveOf(row), appendix: gift?.appendix };
    if (draft.changes === 0 && row.movedTo === undefined && gift === undefined) this.#leave(row);
    else this.#push(row, editSpan(request.bytes, row.scanned, edit));
  }

  /** Ids that are no longer those that were sent can still be searched for. */
  #keepIds(draft: SpanDraft, row: SpanRow, original: OriginalIds | undefined): void {
    const { bytes } = this.#options.request;
    if (original?.spanId !== undefined) addMetadata(draft, METADATA.originalSpanId, original.spanId);
    if (original?.parentSpanId !== undefined) addMetadata(draft, METADATA.originalParentSpanId, original.parentSpanId);
    if (original?.links !== undefined) addMetadata(draft, METADATA.originalLinks, `[${original.links.join(',')}]`);
    const moved =
      row.movedTo === undefined ? undefined : bytes.toString('hex', row.traceIdAt, row.traceIdAt + TRACE_ID_BYTES);
    const traceId = original?.traceId ?? (moved === row.movedTo?.traceId.toString('hex') ? undefined : moved);
    if (traceId !== undefined) addMetadata(draft, METADATA.originalTraceId, traceId);
  }

  /** As it came. */
  #leave({ scanned: { scope, tagStart, end } }: SpanRow): void {
    this.#parts.push({ scope, bytes: this.#options.request.bytes, start: tagStart, end });
  }

  #push({ scanned }: SpanRow, bytes: Buffer): void {
    this.#parts.push({ scope: scanned.scope, bytes, start: 0, end: bytes.length });
  }

  /** By the ids it leaves with. */
  #watch({ traceIdAt, spanIdAt, parentIdAt, movedTo }: SpanRow): void {
    const { request, parents, destinationNumber, nowMs } = this.#options;
    if (movedTo === undefined) {
      parents.saw(destinationNumber, request.bytes, traceIdAt, spanIdAt, Math.max(parentIdAt, NO_PARENT), nowMs);
      return;
    }
    const idAt = (at: number) => request.bytes.subarray(at, at + SPAN_ID_BYTES);
    const parentSpanId = movedTo.parentSpanId ?? (parentIdAt < 0 ? undefined : idAt(parentIdAt));
    const ids = Buffer.concat([movedTo.traceId, idAt(spanIdAt), parentSpanId ?? Buffer.alloc(0)]);
    const spanAt = TRACE_ID_BYTES;
    const parentAt = parentSpanId === undefined ? NO_PARENT : spanAt + SPAN_ID_BYTES;
    parents.saw(destinationNumber, ids, 0, spanAt, parentAt, nowMs);
  }

  #repair(position: number, repair: RepairName): void {
    this.#options.repaired.add(position, repair);
  }

  #warn(position: number, warning: WarningName): void {
    this.#options.warned.add(position, warning);
  }
}

function moveOf({ movedTo }: SpanRow): Pick<SpanEdit, 'traceId' | 'parentSpanId'> {
  if (movedTo === undefined) return {};
  const { traceId, parentSpanId } = movedTo;
  return { traceId, ...(parentSpanId === undefined ? {} : { parentSpanId }) };
}
