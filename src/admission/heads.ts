import { hasComplexValue, type Rewrites, rewriteHead } from '../otlp/rewrite';
import type { ScopeGroup } from '../otlp/scan';
import { RESOURCE_SPANS, SCOPE_SPANS } from '../otlp/schema';

/** Rewrites the heads of resources and scopes in place, each once, when the first of its spans is. */
export class HeadRewriter {
  changed = false;
  readonly #done = new Map<object, boolean>();

  /** What the check found in the heads of a span's scope and resource. */
  mend(scope: ScopeGroup, rewrites: Rewrites): void {
    this.#once(scope, () => scope.traits !== 0, SCOPE_SPANS, rewrites);
    this.#once(scope.resource, () => scope.resource.traits !== 0, RESOURCE_SPANS, rewrites);
  }

  /** Values that Langfuse does not decode become JSON texts; true where there are some. */
  valuesToJson(scope: ScopeGroup): boolean {
    const ofScope = this.#toJson(scope, SCOPE_SPANS);
    const ofResource = this.#toJson(scope.resource, RESOURCE_SPANS);
    return ofScope || ofResource;
  }

  #toJson(group: { head: Buffer }, message: typeof SCOPE_SPANS): boolean {
    return this.#once(group, () => hasComplexValue(message, group.head), message, { json: true });
  }

  #once(group: { head: Buffer }, isNeeded: () => boolean, message: typeof SCOPE_SPANS, rewrites: Rewrites): boolean {
    const known = this.#done.get(group);
    if (known !== undefined) return known;
    const rewritten = isNeeded() ? rewriteHead(message, group.head, rewrites) : group.head;
    // With the repair switched off it comes out as it was.
    const isChanged = rewritten !== group.head && !rewritten.equals(group.head);
    this.#done.set(group, isChanged);
    if (!isChanged) return false;
    group.head = rewritten;
    this.changed = true;
    return true;
  }
}
