import type { Attributes } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { eachField, eachFieldWithin } from './each-field';
import { AttributeTable, LazyAttributes } from './lazy-attributes';
import type { ResourceGroup, ScopeGroup } from './scan';
import { field, RESOURCE, RESOURCE_SPANS, SCOPE, SCOPE_SPANS } from './schema';
import { indexAttribute } from './span-index';

const RESOURCE_FIELD = field(RESOURCE_SPANS, 'resource').number;
const RESOURCE_SCHEMA_URL = field(RESOURCE_SPANS, 'schemaUrl').number;
const RESOURCE_ATTRIBUTES = field(RESOURCE, 'attributes').number;
const SCOPE_FIELD = field(SCOPE_SPANS, 'scope').number;
const SCOPE_SCHEMA_URL = field(SCOPE_SPANS, 'schemaUrl').number;
const SCOPE_NAME = field(SCOPE, 'name').number;
const SCOPE_VERSION = field(SCOPE, 'version').number;
const SCOPE_ATTRIBUTES = field(SCOPE, 'attributes').number;

/** A request may have a hundred thousand resources and scopes, most of a few attributes. */
const FEW_ROWS = 4;

/** The group's resource, read once for all its spans. */
export function resourceOf(group: ResourceGroup): Resource {
  group.view ??= readResource(group.head);
  return group.view;
}

/** The group's scope, read once for all its spans. */
export function scopeOf(group: ScopeGroup): InstrumentationScope {
  group.view ??= readScope(group.head);
  return group.view;
}

/**
 * A Resource of the received attributes as they are: `resourceFromAttributes` would drop empty values and the key
 * `__proto__`, so it serves only where a merge asks for the SDK's own kind.
 */
class ReceivedResource implements Resource {
  readonly asyncAttributesPending = false;

  constructor(
    readonly attributes: Attributes,
    readonly schemaUrl: string | undefined,
  ) {}

  merge(other: Resource | null): Resource {
    return resourceFromAttributes(this.attributes, { schemaUrl: this.schemaUrl }).merge(other);
  }

  getRawAttributes(): ReturnType<Resource['getRawAttributes']> {
    return Object.entries(this.attributes);
  }
}

function readResource(head: Buffer): Resource {
  const table = new AttributeTable(FEW_ROWS);
  let schemaUrl: string | undefined;
  eachField(head, 0, head.length, (outer, number) => {
    if (number === RESOURCE_SCHEMA_URL) schemaUrl = outer.string();
    else if (number === RESOURCE_FIELD) {
      eachFieldWithin(outer, head, (inner, innerNumber) => {
        if (innerNumber !== RESOURCE_ATTRIBUTES) return false;
        indexAttribute(inner, table);
        return true;
      });
    } else return false;
    return true;
  });
  return new ReceivedResource(lazily(head, table), schemaUrl);
}

function readScope(head: Buffer): InstrumentationScope {
  const scope: { name: string; version?: string; schemaUrl?: string; attributes?: Attributes } = { name: '' };
  const table = new AttributeTable(FEW_ROWS);
  eachField(head, 0, head.length, (outer, number) => {
    if (number === SCOPE_SCHEMA_URL) scope.schemaUrl = outer.string();
    else if (number === SCOPE_FIELD) {
      eachFieldWithin(outer, head, (inner, innerNumber) => {
        if (innerNumber === SCOPE_NAME) scope.name = inner.string();
        else if (innerNumber === SCOPE_VERSION) scope.version = inner.string();
        else if (innerNumber === SCOPE_ATTRIBUTES) indexAttribute(inner, table);
        else return false;
        return true;
      });
    } else return false;
    return true;
  });
  if (table.size > 0) scope.attributes = lazily(head, table);
  return scope;
}

/** Most are never asked for, and one of them may hold millions of values. */
const lazily = (head: Buffer, table: AttributeTable): Attributes => new LazyAttributes(head, table, 0).proxy;
