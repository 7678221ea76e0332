import { type Admission, admit } from './admission/admit';
import { enrich, rulesOf } from './admission/enrich';
import { NoteSheet } from './admission/note-sheet';
import { ParentWatch } from './admission/parent-watch';
import { CONTEXT_REPAIR, REPAIRS, type RepairName } from './admission/repairs';
import { policySteps } from './admission/sender-policy';
import { KEY_WATCH } from './admission/span-rows';
import {
  type ContextOptions,
  contextInBody,
  type RequestedContext,
  readTraceContext,
  saysSomething,
} from './admission/trace-context';
import { TraceMemory } from './admission/trace-memory';
import type { Orphan } from './admission/waiting-parents';
import { WARNINGS, type WarningName } from './admission/warnings';
import type { Config } from './config';
import type { Judgement, RequestToJudge, SpanNotes, WarningCount } from './judgement';
import { type ConvertedRequest, jsonRequestSteps } from './otlp/json-request';
import { ReceivedSpan } from './otlp/received-span';
import { type ScannedRequest, scanRequest } from './otlp/scan';
import { SpanReader } from './otlp/span-index';
import { transparentRequestSteps } from './otlp/transparent-spans';

/** What turns a body into protobuf, by its format. */
const CONVERSIONS = { json: jsonRequestSteps, transparent: transparentRequestSteps, protobuf: undefined } as const;

export type JudgeOptions = Pick<Config, 'repairs' | 'traceContext' | 'traceAttributes'> & {
  now: () => number;
  /** Among how many what is remembered of traces is shared; one by default. */
  destinationCount?: number;
};

/** Reads a request as spans and judges each by itself. Rejects with a GatewayError where it cannot be read at all. */
export type Judge = (request: RequestToJudge) => Promise<Judgement>;

/** Attributes, values, events and links of one request with a browser key: what small bodies unfold to costs all others time. */
const BROWSER_MESSAGES_MAX = 200_000;

/** Of what is remembered of traces: some hundred bytes each. */
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;
/** 5 MiB; more spans than these within the window may be called orphans without being ones. */
const SEEN_SPANS_MAX = 1 << 18;
const WAITING_PARENTS_MAX = 20_000;

/** Bodies of such a size, or with so many spans, are gone through in slices, with other requests between them. */
const LARGE_BYTES = 1024 * 1024;
const MANY_SPANS = 1000;
const SLICE_MS = 10;

/** A judge, and what it finds out later: which parents did not come. */
export function createJudge(options: JudgeOptions): { judge: Judge; orphans: () => Orphan[] } {
  const { repairs, traceContext: contexts, traceAttributes, now } = options;
  const enabled = (repair: RepairName) => repairs[repair];
  const rules = rulesOf(enabled);
  const windowMs = traceAttributes.windowS * 1000;
  const memoryOf = createMemories(options);
  const parents = new ParentWatch({ windowMs, seenMax: SEEN_SPANS_MAX, waitingMax: WAITING_PARENTS_MAX });
  const destinations = new Map<string, number>();
  const numberOf = (destination: string) => {
    const number = destinations.get(destination) ?? destinations.size;
    destinations.set(destination, number);
    return number;
  };
  const judge: Judge = async ({ format, bytes, destination, traceContext, policy, onRead }) => {
    const isLarge = bytes.length >= LARGE_BYTES;
    const conversion = CONVERSIONS[format];
    const messagesMax = policy?.browser ? BROWSER_MESSAGES_MAX : undefined;
    const converted =
      conversion === undefined ? undefined : await run(conversion(bytes, enabled, messagesMax), isLarge);
    const request = scanRequest(converted?.bytes ?? bytes, { check: true, watch: KEY_WATCH, messagesMax });
    onRead?.({ spans: request.spans.length, messages: request.messages });
    const admission = admit(request, enabled, converted, policy?.maxAttributeBytes);
    const context = contextOf(traceContext, converted, { ...contexts, enabled });
    const inSlices = isLarge || admission.accepted >= MANY_SPANS;
    const sheets: Sheets = {
      repaired: new NoteSheet(REPAIRS, admission.accepted),
      warned: new NoteSheet(WARNINGS, admission.accepted),
    };
    noteAdmission(admission, sheets);
    const admitted = rescanned(request, admission.bytes);
    const accepted =
      policy === undefined
        ? admitted
        : rescanned(admitted, await run(policySteps({ request: admitted, policy, enabled, ...sheets }), inSlices));
    const steps = enrich({
      request: accepted,
      destination,
      destinationNumber: numberOf(destination),
      context: typeof context === 'object' ? context : undefined,
      originalIds: admission.originalIds,
      ...{ enabled, rules, memory: memoryOf(destination), parents },
      lanes: policy?.browser ? [`${destination}\0${policy.name}`, destination] : [destination],
      nowMs: now(),
      ...sheets,
    });
    const enriched = await run(steps, inSlices);
    const outcome = typeof context === 'object' ? (enriched.followers > 0 ? 'adopted' : 'ignored') : context;
    if (outcome === 'unreadable') {
      for (const { ordinal } of accepted.spans) sheets.warned.add(ordinal, 'trace_context_refused');
    }
    return {
      bytes: enriched.bytes,
      accepted: accepted.spans.length,
      rejections: admission.rejections,
      repairs: new Map([...sheets.repaired.counts()].map(([repair, { spans }]) => [repair, spans])),
      warnings: new Map([...sheets.warned.counts()].map(([warning, count]) => [warning, withIds(accepted, count)])),
      traceContext: outcome,
      kept: enriched.watchParents,
      notes: notesOn(sheets),
      received: { format, bytes, texts: converted?.texts },
      read: request,
    };
  };
  return { judge, orphans: () => parents.orphans(now()) };
}

/** What is remembered of traces, each destination having its share: who floods one pushes nothing out of another. */
function createMemories({ traceAttributes, destinationCount = 1 }: JudgeOptions): (destination: string) => TraceMemory {
  const memories = new Map<string, TraceMemory>();
  return (destination) => {
    const known = memories.get(destination);
    if (known !== undefined) return known;
    const memory = new TraceMemory({
      maxTraces: Math.ceil(traceAttributes.maxTraces / destinationCount),
      windowMs: traceAttributes.windowS * 1000,
      bytesMax: MEMORY_BYTES_MAX / destinationCount,
    });
    memories.set(destination, memory);
    return memory;
  };
}

/** What was changed is looked through anew; it was checked before. */
const rescanned = (request: ScannedRequest, bytes: Buffer) =>
  bytes === request.bytes ? request : scanRequest(bytes, { check: false });

/** To the end at once, or with a pause after each slice. */
async function run<Result>(steps: Generator<void, Result>, inSlices: boolean): Promise<Result> {
  let sliceEndMs = performance.now() + SLICE_MS;
  for (;;) {
    const { done, value } = steps.next();
    // At the end, too: what comes then is long where this was.
    if (inSlices && performance.now() >= sliceEndMs) {
      await new Promise((resolve) => setImmediate(resolve));
      sliceEndMs = performance.now() + SLICE_MS;
    }
    if (done) return value;
  }
}

/** The place that was thought of most decides: the body before what the request says beside it. */
function contextOf(
  beside: RequestedContext | undefined,
  converted: ConvertedRequest | undefined,
  options: ContextOptions,
): ReturnType<typeof readTraceContext> | undefined {
  if (!options.enabled(CONTEXT_REPAIR)) return undefined;
  const inBody = contextInBody(converted?.traceContext);
  const requested = inBody !== undefined && saysSomething(inBody) ? inBody : beside;
  return requested === undefined || !saysSomething(requested) ? undefined : readTraceContext(requested, options);
}

const ID_WARNINGS: readonly (readonly [WarningName, readonly RepairName[]])[] = [
  ['id_repaired', ['id_base64', 'id_uuid', 'id_text', 'id_derived']],
  ['parent_unreadable', ['parent_unreadable']],
  ['link_dropped', ['link_dropped']],
];

interface Sheets {
  readonly repaired: NoteSheet<RepairName>;
  readonly warned: NoteSheet<WarningName>;
}

/** A function of its own, so that it holds the sheets and nothing else. */
const notesOn =
  ({ repaired, warned }: Sheets) =>
  (position: number): SpanNotes => ({ repairs: repaired.of(position), warnings: warned.of(position) });

function noteAdmission({ repaired: done }: Admission, { repaired, warned }: Sheets): void {
  for (const [position, repairs] of done) {
    for (const repair of repairs) repaired.add(position, repair);
    for (const [warning, causes] of ID_WARNINGS) {
      if (causes.some((cause) => repairs.has(cause))) warned.add(position, warning);
    }
  }
}

/** With the ids of the first span it is about. */
function withIds({ bytes, spans }: ScannedRequest, count: { spans: number; first: number }): WarningCount {
  const { traceId, spanId } = new ReceivedSpan(new SpanReader(bytes), spans[count.first]!).spanContext();
  return { spans: count.spans, traceId, spanId };
}
