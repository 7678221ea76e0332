import { hasComplexValue, type Rewrites, rewriteHead } from '../otlp/rewrite';
import type { ScopeGroup } from '../otlp/scan';
import { RESOURCE_SPANS, SCOPE_SPANS } from '../otlp/schema';
import { headWithoutAttributes } from '../otlp/without-attributes';

/** Rewrites the heads of resources and scopes in place, each once, when the first of its spans is. */
export class HeadRewriter {
  changed = false;
  readonly #done = new Map<object, boolean>();

  /** What the check found in the heads of a span's scope and resource. */
  mend(scope: ScopeGroup, rewrites: Rewrites): void {
    this.#each(scope, ({ head, traits }, message) => (traits === 0 ? head : rewriteHead(message, head, rewrites)));
  }

  /** Values that Langfuse does not decode become JSON texts; true where there are some. */
  valuesToJson(scope: ScopeGroup): boolean {
    return this.#each(scope, ({ head }, message) =>
      hasComplexValue(message, head) ? rewriteHead(message, head, { json: true }) : head,
    );
  }

  /** Attributes of some keys are left out; true where there are some. */
  withoutAttributes(scope: ScopeGroup, isToGo: (key: string) => boolean): boolean {
    return this.#each(scope, ({ head }, message) => headWithoutAttributes(message, head, isToGo));
  }

  #each(scope: ScopeGroup, rewrite: Rewrite): boolean {
    const ofScope = this.#once(scope, SCOPE_SPANS, rewrite);
    const ofResource = this.#once(scope.resource, RESOURCE_SPANS, rewrite);
    return ofScope || ofResource;
  }

  #once(group: Group, message: typeof SCOPE_SPANS, rewrite: Rewrite): boolean {
    const known = this.#done.get(group);
    if (known !== undefined) return known;
    const rewritten = rewrite(group, message);
    // With the repair switched off it comes out as it was.
    const isChanged = rewritten !== group.head && !rewritten.equals(group.head);
    this.#done.set(group, isChanged);
    if (!isChanged) return false;
    group.head = rewritten;
    this.changed = true;
    return true;
  }
}

interface Group {
  head: Buffer;
  readonly traits: number;
}

type Rewrite = (group: Group, message: typeof SCOPE_SPANS) => Buffer;
