/** A value with its type: `{ int: 3n }` is not `{ double: 3 }`. */
export type CanonicalValue =
  | { empty: true }
  | { string: string }
  | { bool: boolean }
  | { int: bigint }
  | { double: number }
  /** Lower-case hex. */
  | { bytes: string }
  | { array: CanonicalValue[] }
  | { kvlist: CanonicalAttribute[] }
  /** The profiles-only member of the oneof. */
  | { stringIndex: number }
  /** JSON only: what stands in `member` cannot be read as its type. `json` is what stands there. */
  | { misfit: string; json: string | boolean | { number: string } | { other: string } };

export interface CanonicalAttribute {
  key: string;
  /** null: the KeyValue has no value at all, which is another thing than the empty value. */
  value: CanonicalValue | null;
  /** Left out when 0: it means nothing in a trace. */
  keyStringIndex?: number;
}

export interface CanonicalEntityRef {
  schemaUrl: string;
  type: string;
  idKeys: string[];
  descriptionKeys: string[];
}

export interface CanonicalResource {
  attributes: CanonicalAttribute[];
  droppedAttributesCount: number;
  entityRefs: CanonicalEntityRef[];
  schemaUrl: string;
}

export interface CanonicalScope {
  name: string;
  version: string;
  attributes: CanonicalAttribute[];
  droppedAttributesCount: number;
  schemaUrl: string;
}

export interface CanonicalEvent {
  timeUnixNano: bigint;
  name: string;
  attributes: CanonicalAttribute[];
  droppedAttributesCount: number;
}

export interface CanonicalLink {
  traceId: string;
  spanId: string;
  traceState: string;
  attributes: CanonicalAttribute[];
  droppedAttributesCount: number;
  flags: number;
}

/** A span with its own resource and scope, so that the grouping of a request does not matter. */
export interface CanonicalSpan {
  resource: CanonicalResource;
  scope: CanonicalScope;
  /** Ids are lower-case hex; a JSON id that is no hex is kept as it stands. */
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  name: string;
  /** A name that the enum does not have is kept as it stands. */
  kind: number | string;
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
  attributes: CanonicalAttribute[];
  droppedAttributesCount: number;
  events: CanonicalEvent[];
  droppedEventsCount: number;
  links: CanonicalLink[];
  droppedLinksCount: number;
  status: { message: string; code: number | string };
  flags: number;
}

/** How an encoding answers for the fields of a message. A message that is absent is `undefined`, and so are its fields. */
export interface Dialect {
  message(parent: unknown, field: string): unknown;
  list(parent: unknown, field: string): unknown[];
  text(parent: unknown, field: string): string;
  texts(parent: unknown, field: string): string[];
  id(parent: unknown, field: string): string;
  uint32(parent: unknown, field: string): number;
  uint64(parent: unknown, field: string): bigint;
  enumeration(parent: unknown, options: { field: string; names: readonly string[] }): number | string;
  /** The member of an AnyValue that is set, with its raw content. */
  member(anyValue: unknown): { name: string; raw: unknown } | undefined;
  /** A member other than `arrayValue` and `kvlistValue`. */
  scalar(member: { name: string; raw: unknown }): CanonicalValue;
}

/** The spans of a request in the order they are written in; deprecated library spans count as scope spans. */
export function canonicalSpans(dialect: Dialect, request: unknown): CanonicalSpan[] {
  const { list, message } = dialect;
  return list(request, 'resourceSpans').flatMap((resourceSpans) => {
    const resource = readResource(dialect, resourceSpans);
    const groups = [...list(resourceSpans, 'scopeSpans'), ...list(resourceSpans, 'instrumentationLibrarySpans')];
    return groups.flatMap((scopeSpans) => {
      const scopeMessage = message(scopeSpans, 'scope') ?? message(scopeSpans, 'instrumentationLibrary');
      const scope = readScope(dialect, { scopeMessage, scopeSpans });
      return list(scopeSpans, 'spans').map((span) => ({ resource, scope, ...readSpan(dialect, span) }));
    });
  });
}

function readResource(dialect: Dialect, resourceSpans: unknown): CanonicalResource {
  const resource = dialect.message(resourceSpans, 'resource');
  return {
    ...readAttributes(dialect, resource),
    entityRefs: dialect.list(resource, 'entityRefs').map((ref) => ({
      schemaUrl: dialect.text(ref, 'schemaUrl'),
      type: dialect.text(ref, 'type'),
      idKeys: dialect.texts(ref, 'idKeys'),
      descriptionKeys: dialect.texts(ref, 'descriptionKeys'),
    })),
    schemaUrl: dialect.text(resourceSpans, 'schemaUrl'),
  };
}

function readScope(dialect: Dialect, { scopeMessage, scopeSpans }: { scopeMessage: unknown; scopeSpans: unknown }) {
  return {
    name: dialect.text(scopeMessage, 'name'),
    version: dialect.text(scopeMessage, 'version'),
    ...readAttributes(dialect, scopeMessage),
    schemaUrl: dialect.text(scopeSpans, 'schemaUrl'),
  };
}

function readSpan(dialect: Dialect, span: unknown): Omit<CanonicalSpan, 'resource' | 'scope'> {
  const { enumeration, id, list, message, text, uint32, uint64 } = dialect;
  const status = message(span, 'status');
  return {
    traceId: id(span, 'traceId'),
    spanId: id(span, 'spanId'),
    parentSpanId: id(span, 'parentSpanId'),
    traceState: text(span, 'traceState'),
    name: text(span, 'name'),
    kind: enumeration(span, { field: 'kind', names: SPAN_KINDS }),
    startTimeUnixNano: uint64(span, 'startTimeUnixNano'),
    endTimeUnixNano: uint64(span, 'endTimeUnixNano'),
    ...readAttributes(dialect, span),
    events: list(span, 'events').map((event) => ({
      timeUnixNano: uint64(event, 'timeUnixNano'),
      name: text(event, 'name'),
      ...readAttributes(dialect, event),
    })),
    droppedEventsCount: uint32(span, 'droppedEventsCount'),
    links: list(span, 'links').map((link) => ({
      traceId: id(link, 'traceId'),
      spanId: id(link, 'spanId'),
      traceState: text(link, 'traceState'),
      ...readAttributes(dialect, link),
      flags: uint32(link, 'flags'),
    })),
    droppedLinksCount: uint32(span, 'droppedLinksCount'),
    status: {
      message: text(status, 'message'),
      code: enumeration(status, { field: 'code', names: STATUS_CODES }),
    },
    flags: uint32(span, 'flags'),
  };
}

function readAttributes(dialect: Dialect, owner: unknown) {
  return {
    attributes: dialect.list(owner, 'attributes').map((keyValue) => readKeyValue(dialect, keyValue)),
    droppedAttributesCount: dialect.uint32(owner, 'droppedAttributesCount'),
  };
}

function readKeyValue(dialect: Dialect, keyValue: unknown): CanonicalAttribute {
  const value = dialect.message(keyValue, 'value');
  const keyStringIndex = dialect.uint32(keyValue, 'keyStrindex');
  return {
    key: dialect.text(keyValue, 'key'),
    value: value === undefined ? null : readValue(dialect, value),
    ...(keyStringIndex === 0 ? {} : { keyStringIndex }),
  };
}

function readValue(dialect: Dialect, anyValue: unknown): CanonicalValue {
  const member = dialect.member(anyValue);
  if (member === undefined) return { empty: true };
  if (member.name === 'arrayValue') {
    return { array: dialect.list(member.raw, 'values').map((element) => readValue(dialect, element)) };
  }
  if (member.name === 'kvlistValue') {
    return { kvlist: dialect.list(member.raw, 'values').map((entry) => readKeyValue(dialect, entry)) };
  }
  return dialect.scalar(member);
}

const SPAN_KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map((n) => `SPAN_KIND_${n}`);
const STATUS_CODES = ['UNSET', 'OK', 'ERROR'].map((name) => `STATUS_CODE_${name}`);
