import { findOversized } from '../otlp/oversized';
import type { ResourceGroup, ScannedSpan, ScopeGroup } from '../otlp/scan';
import { RESOURCE_SPANS, SCOPE_SPANS, SPAN } from '../otlp/schema';

/**
 * Finds what is larger than the key of the sender allows: an attribute, event or link of a span, or an attribute of its scope
 * or resource. These are looked through once, however many spans they have.
 */
export class AttributeLimit {
  readonly description: string;
  readonly #bytes: Buffer;
  readonly #bytesMax: number;
  readonly #heads = new Map<ScopeGroup | ResourceGroup, string | undefined>();

  constructor(bytes: Buffer, bytesMax: number) {
    this.description = `is larger than ${bytesMax} bytes, which is what its key allows (maxAttributeBytes)`;
    this.#bytes = bytes;
    this.#bytesMax = bytesMax;
  }

  /** Where it is; `path` is that of the span. `undefined`: nowhere. */
  find(span: ScannedSpan, path: string): string | undefined {
    const { scope } = span;
    const own = findOversized(SPAN, this.#bytes, span, this.#bytesMax);
    if (own !== undefined) return `${path}${own}`;
    const ofScope = this.#inHead(scope, SCOPE_SPANS);
    if (ofScope !== undefined) return `${upTo(path, 2)}${ofScope}`;
    const ofResource = this.#inHead(scope.resource, RESOURCE_SPANS);
    return ofResource === undefined ? undefined : `${upTo(path, 1)}${ofResource}`;
  }

  #inHead(group: ScopeGroup | ResourceGroup, message: typeof SCOPE_SPANS): string | undefined {
    if (!this.#heads.has(group)) {
      const { head } = group;
      this.#heads.set(group, findOversized(message, head, { start: 0, end: head.length }, this.#bytesMax));
    }
    return this.#heads.get(group);
  }
}

/** A path up to the list element at that level: `a[0].b[1].c[2]` up to 2 is `a[0].b[1]`. One that is not so deep is all of it. */
function upTo(path: string, elements: number): string {
  return path
    .split(/(?<=\])/)
    .slice(0, elements)
    .join('');
}
