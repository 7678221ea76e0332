import type { Orphan } from '../admission/waiting-parents';
import type { Judgement, ReceivedRequest } from '../judgement';
import type { Stamps } from '../langfuse/stamp';
import { SUMMARY_KEYS, SUMMARY_PREFIXES } from '../langfuse/summary-keys';
import { assembleRequest } from '../otlp/assemble';
import type { ReceivedSpan } from '../otlp/received-span';
import { RequestReducer } from '../otlp/reduced-request';
import { type ScannedSpan, scanRequest } from '../otlp/scan';
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
    this.#add(bytes, spans, { destination, sender, notes: judgement.notes, judgement });
  }

  /** A span arrived that was kept before this process began. */
  recovered(span: ReceivedSpan, destination: string): void {
    if (this.mode === 'off') return;
    const { scope, tagStart, end } = span.scanned;
    const bytes = Buffer.concat(assembleRequest([{ scope, bytes: span.bytes, start: tagStart, end }]));
    const { spans } = scanRequest(bytes, { check: false });
    this.#add(bytes, spans, { destination, sender: NOBODY, notes: NO_NOTES });
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

  #add(
    bytes: Buffer,
    spans: readonly ScannedSpan[],
    from: Pick<KeptRequest, 'destination' | 'sender' | 'notes'> & { judgement?: Judgement },
  ): void {
    const { destination, sender, notes, judgement } = from;
    const isFull = this.mode === 'full';
    const received = isFull ? judgement?.received : undefined;
    const kept = compact(isFull ? bytes : this.#reducer.reduce({ bytes, spans }));
    this.index.add({
      receivedAtMs: this.#options.now(),
      stamps: this.#options.stampsOf(destination),
      ...{ destination, sender, notes },
      bytes: kept,
      spans: spans.length,
      received: received && compactReceived(received, received.bytes === bytes ? kept : compact(received.bytes)),
      rejectedAt: new Set(received && judgement?.rejections.map(({ position }) => position)),
    });
    this.watchers.wake();
  }
}

/** What is a part of a larger block of memory would keep all of it: Node's small buffers share blocks of 8 KiB. */
function compact(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= bytes.length * 1.25) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

/** The texts of its spans are mostly in the same bytes. */
function compactReceived({ format, bytes, texts }: ReceivedRequest, kept: Buffer): ReceivedRequest {
  if (texts === undefined) return { format, bytes: kept, texts };
  return { format, bytes: kept, texts: { ...texts, bytes: texts.bytes === bytes ? kept : compact(texts.bytes) } };
}
