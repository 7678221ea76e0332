import { BROWSER_DENIED, isDeniedToBrowsers } from '../langfuse/browser-denied';
import { assembleRequest, type SpanPart } from '../otlp/assemble';
import { attributeField, readAttribute } from '../otlp/attribute-fields';
import { appendToSpan, editSpan } from '../otlp/edit-span';
import { KeyWatch } from '../otlp/key-watch';
import { PLAIN_KEY_AT, plainKeyBytes } from '../otlp/plain-key';
import type { ScannedRequest, ScannedSpan } from '../otlp/scan';
import { field, SPAN } from '../otlp/schema';
import { WireCursor } from '../otlp/wire-cursor';
import { HeadRewriter } from './heads';
import type { NoteSheet } from './note-sheet';
import type { RepairName } from './repairs';

/** What the key of a request says of its spans. */
export interface SenderPolicy {
  /**
   * Of the key. What a page says of where a trace belongs holds for spans of its own key alone: it may not take others' away.
   */
  readonly name: string;
  /** What a page must not say is removed: see `BROWSER_DENIED`. */
  readonly browser: boolean;
  /** Attributes that every span gets, whatever it says under these keys itself. */
  readonly stamp: Readonly<Record<string, string | number | boolean>>;
  /** Of an attribute, event or link; absent: any size. */
  readonly maxAttributeBytes?: number | undefined;
}

interface PolicyOptions {
  /** Of accepted spans. */
  readonly request: ScannedRequest;
  readonly policy: SenderPolicy;
  readonly enabled: (repair: RepairName) => boolean;
  /** What is removed is noted here. */
  readonly repaired: NoteSheet<RepairName>;
}

const ATTRIBUTES = field(SPAN, 'attributes').number;

/** A pause is offered each so many spans. */
const STEP_SPANS = 256;

/**
 * Removes what a page must not say from spans, resources and scopes, and stamps the spans, a step at a time. Returns the
 * request's own bytes where nothing had to change; done twice it changes nothing more. It comes before anything is learned
 * from the spans, so that what a page says here reaches no other span either.
 */
export function* policySteps({ request, policy, enabled, repaired }: PolicyOptions): Generator<void, Buffer> {
  const { bytes, spans } = request;
  const rules = new PolicyRules(policy, enabled);
  if (rules.areNone) return bytes;
  const heads = new HeadRewriter();
  const parts: SpanPart[] = [];
  let isChanged = false;
  for (const [position, span] of spans.entries()) {
    if (position % STEP_SPANS === STEP_SPANS - 1) yield;
    const { scope, tagStart, end } = span;
    const isHeadChanged = rules.denies && heads.withoutAttributes(scope, isDeniedToBrowsers);
    const changes = rules.changesOf(bytes, span);
    if (isHeadChanged || changes.isDenied) repaired.add(position, 'browser_denied');
    const changed = rules.changed(bytes, span, changes);
    if (isHeadChanged || changed !== undefined) isChanged = true;
    if (changed === undefined) parts.push({ scope, bytes, start: tagStart, end });
    else parts.push({ scope, bytes: changed, start: 0, end: changed.length });
  }
  return isChanged ? Buffer.concat(assembleRequest(parts)) : bytes;
}

/** What becomes of a span. */
interface Changes {
  /** New values by key; `undefined` removes the attribute. */
  readonly attributes: ReadonlyMap<string, unknown>;
  /** It loses something that a page must not say. */
  readonly isDenied: boolean;
  /** It has none of the keys that are removed or stamped, and gets all stamps. */
  readonly isPlain: boolean;
}

/** A policy as it is applied to spans. */
class PolicyRules {
  readonly denies: boolean;
  readonly #stamps: Stamps;
  #isWatched = false;
  readonly #found = () => {
    this.#isWatched = true;
  };

  constructor(policy: SenderPolicy, enabled: PolicyOptions['enabled']) {
    this.denies = policy.browser && enabled('browser_denied');
    this.#stamps = stampsOf(policy);
  }

  get areNone(): boolean {
    return !this.denies && this.#stamps.values.size === 0;
  }

  changesOf(bytes: Buffer, { start, end }: ScannedSpan): Changes {
    const { values, fields } = this.#stamps;
    const attributes = new Map<string, unknown>();
    const stamped = new Set<string>();
    let isDenied = false;
    const cursor = new WireCursor(bytes);
    cursor.pos = start;
    while (cursor.pos < end) {
      const at = cursor.pos;
      const tag = cursor.tag(end);
      if (tag >>> 3 !== ATTRIBUTES) {
        cursor.skip(tag & 7, tag >>> 3, end);
        continue;
      }
      const fieldEnd = cursor.len(end);
      const contentAt = cursor.pos;
      cursor.pos = fieldEnd;
      if (!this.#mayMatter(bytes, contentAt, fieldEnd)) continue;
      const { key } = readAttribute(bytes, at, fieldEnd);
      const field = fields.get(key);
      const isFirst = !stamped.has(key) && !attributes.has(key);
      if (isFirst && field?.equals(bytes.subarray(at, fieldEnd))) {
        stamped.add(key);
        continue;
      }
      const isToGo = this.denies && isDeniedToBrowsers(key);
      if (isToGo) isDenied = true;
      if (isToGo || field !== undefined) attributes.set(key, undefined);
      // Of two the second would count.
      stamped.delete(key);
    }
    const isPlain = attributes.size === 0 && stamped.size === 0;
    for (const [key, value] of values) if (!stamped.has(key)) attributes.set(key, value);
    return { attributes, isDenied, isPlain };
  }

  /** The span's field of ScopeSpans; `undefined` where it stays as it is. */
  changed(bytes: Buffer, span: ScannedSpan, { attributes, isPlain }: Changes): Buffer | undefined {
    if (attributes.size === 0) return undefined;
    if (!isPlain) return editSpan(bytes, span, { attributes });
    return appendToSpan(bytes, span, [...this.#stamps.fields.values()]);
  }

  /** Nearly all attributes do not, which is seen without decoding their keys. */
  #mayMatter(bytes: Buffer, start: number, end: number): boolean {
    const length = plainKeyBytes(bytes, start, end);
    if (length === 0) return true;
    this.#isWatched = false;
    this.#stamps.watch.look(bytes, start + PLAIN_KEY_AT, length, this.#found);
    return this.#isWatched;
  }
}

interface Stamps {
  readonly values: ReadonlyMap<string, string | number | boolean>;
  /** As fields of a span. One that has just these bytes is stamped already. */
  readonly fields: ReadonlyMap<string, Buffer>;
  /** For their keys, and those that are denied. */
  readonly watch: KeyWatch;
}

/** A key has one policy for all of its requests. */
const known = new WeakMap<SenderPolicy, Stamps>();

function stampsOf(policy: SenderPolicy): Stamps {
  const found = known.get(policy);
  if (found !== undefined) return found;
  const stamps = Object.entries(policy.stamp);
  const watched = [...(policy.browser ? BROWSER_DENIED : []), ...stamps.map(([key]) => ({ key }))];
  const made: Stamps = {
    values: new Map(stamps),
    fields: new Map(stamps.map(([key, value]) => [key, attributeField(key, value)])),
    // An empty key is never looked up there.
    watch: new KeyWatch(watched.filter(({ key }) => key !== '').map((each) => ({ ...each, bit: 1 }))),
  };
  known.set(policy, made);
  return made;
}
