import type { Orphan } from '../admission/waiting-parents';
import type { Judgement, ReceivedRequest } from '../judgement';
import type { Stamps } from '../langfuse/stamp';
import { SUMMARY_KEYS, SUMMARY_PREFIXES } from '../langfuse/summary-keys';
import { assembleRequest } from '../otlp/assemble';
import type { ReceivedSpan } from '../otlp/received-span';
import { RequestReducer } from '../otlp/reduced-request';
import { type ScannedRequest, scanRequest } from '../otlp/scan';
import type { RequestSender } from '../receiver/accept';
import type { InspectorMode } from './api';
import { shortText } from './client-info';
import { Clients } from './clients';
import type { KeptRequest } from './kept-request';
import type { Row } from './row';
import { TraceIndex } from './trace-index';
import { type RefusedRequest, Troubles } from './troubles';
import { Watchers } from './watchers';

export interface InspectorOptions {
  readonly mode: InspectorMode;
  /** Of requests and what is known of their spans, together. */
  readonly bytesMax?: number;
  /** What a destination puts on spans. */
  readonly stampsOf: (destination: string) => Stamps;
  /** Called soon after spans of a trace came. Absent: spans are read when somebody looks. */
  readonly onTrace?: ((traceId: string) => void) | undefined;
  readonly onUnreadable?: ((error: unknown) => void) | undefined;
  readonly now: () => number;
}

const BYTES_MAX = 64 * 1024 * 1024;

const NOBODY: RequestSender = { userAgent: undefined, address: undefined, key: undefined };
const NO_NOTES = () => ({ repairs: [], warnings: [] });
const NOWHERE: ReadonlySet<number> = new Set();
/** A few milliseconds. */
const SPANS_AT_ONCE = 2_000;

/** Keeps what came to be looked at, in memory, and what went wrong. */
export class Inspector {
  readonly mode: InspectorMode;
  readonly bytesMax: number;
  readonly index: TraceIndex;
  readonly clients = new Clients();
  readonly troubles: Troubles;
  readonly watchers: Watchers;
  readonly missing = { session: 0, user: 0 };
  readonly #options: InspectorOptions;
  readonly #reducer = new RequestReducer({ keys: SUMMARY_KEYS, prefixes: SUMMARY_PREFIXES });

  constructor(options: InspectorOptions) {
    const { mode, bytesMax = BYTES_MAX, onTrace, onUnreadable } = options;
    this.#options = options;
    this.mode = mode;
    this.bytesMax = bytesMax;
    this.troubles = new Troubles({ keepsExamples: mode !== 'off' });
    const onRow = ({ traceId }: Row) => this.watchers.changed(traceId);
    this.index = new TraceIndex({ bytesMax, onRow, onUnreadable });
    this.watchers = new Watchers({
      read: (budgetMs) => this.index.read(budgetMs),
      onTrace,
    });
  }

  /** A request was judged, and its accepted spans are kept for delivery. */
  kept(judgement: Judgement, { destination, sender: said }: { destination: string; sender: RequestSender }): void {
    const { warnings, accepted, bytes } = judgement;
    const sender = { ...said, userAgent: shortText(said.userAgent) ?? undefined };
    const nowMs = this.#options.now();
    this.missing.session += warnings.get('session_id_missing')?.spans ?? 0;
    this.missing.user += warnings.get('user_id_missing')?.spans ?? 0;
    this.troubles.judged(judgement, sender, nowMs);
    if (this.mode === 'off' || accepted === 0) return;
    const { spans } = scanRequest(bytes, { check: false });
    this.clients.seen(spans, sender, nowMs);
    this.#keep({ bytes, spans }, { destination, sender, notes: judgement.notes }, judgement);
  }

  /** A span arrived that was kept before this process began. */
  recovered(span: ReceivedSpan, destination: string): void {
    if (this.mode === 'off') return;
    const { scope, tagStart, end } = span.scanned;
    const bytes = Buffer.concat(assembleRequest([{ scope, bytes: span.bytes, start: tagStart, end }]));
    const { spans } = scanRequest(bytes, { check: false });
    this.#keep({ bytes, spans }, { destination, sender: NOBODY, notes: NO_NOTES });
  }

  orphans(orphans: readonly Orphan[]): void {
    this.troubles.orphans(orphans, this.#options.now());
  }

  refused(request: RefusedRequest): void {
    this.troubles.refused(request, this.#options.now());
  }

  close(): void {
    this.watchers.close();
  }

  #keep(request: Spans, from: From, judgement?: Pick<Judgement, 'received' | 'rejections'>): void {
    if (this.mode !== 'full') {
      this.#keepReduced(request, from, 0);
      return;
    }
    const bytes = compact(request.bytes);
    const received = judgement && compactReceived(judgement.received, request.bytes, bytes);
    const rejectedAt = new Set(judgement?.rejections.map(({ position }) => position));
    this.#add({ ...from, bytes, spans: request.spans.length, received, rejectedAt });
  }

  /** Without payload, so many spans at a time that nobody has to wait for it; each lot is a request of its own. */
  #keepReduced({ bytes, spans }: Spans, from: From, first: number): void {
    const next = first + SPANS_AT_ONCE;
    const lot = spans.slice(first, next);
    const notes = notesFrom(first, from.notes);
    this.#add({
      ...{ ...from, notes, bytes: compact(this.#reducer.reduce({ bytes, spans: lot })), spans: lot.length },
      ...{ received: undefined, rejectedAt: NOWHERE },
    });
    if (next >= spans.length) return;
    setImmediate(() => {
      try {
        this.#keepReduced({ bytes, spans }, from, next);
      } catch (error) {
        this.#options.onUnreadable?.(error);
      }
    });
  }

  #add(request: Omit<KeptRequest, 'receivedAtMs' | 'stamps'>): void {
    const { now, stampsOf } = this.#options;
    this.index.add({ ...request, receivedAtMs: now(), stamps: stampsOf(request.destination) });
    this.watchers.wake();
  }
}

type Spans = Pick<ScannedRequest, 'bytes' | 'spans'>;
type From = Pick<KeptRequest, 'destination' | 'sender' | 'notes'>;

/** A function of its own: made beside one that holds the request's bytes, it would hold them as well. */
const notesFrom =
  (first: number, notes: KeptRequest['notes']): KeptRequest['notes'] =>
  (position) =>
    notes(first + position);

/** What is a part of a larger block of memory would keep all of it: Node's small buffers share blocks of 8 KiB. */
function compact(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= bytes.length * 1.25) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

/** What came is mostly the bytes that leave, and the texts of its spans are in what came. */
function compactReceived({ format, bytes, texts }: ReceivedRequest, left: Buffer, kept: Buffer): ReceivedRequest {
  const own = bytes === left ? kept : compact(bytes);
  return {
    format,
    bytes: own,
    texts: texts && { ...texts, bytes: texts.bytes === bytes ? own : compact(texts.bytes) },
  };
}
