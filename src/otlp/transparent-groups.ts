import { createHash } from 'node:crypto';
import type { OriginalIds } from './ids';
import { JsonFault, type JsonRepair } from './json-fault';
import { field, RESOURCE, RESOURCE_SPANS, SCOPE, SCOPE_SPANS } from './schema';
import { Members } from './transparent-members';
import { type TransparentTools, TransparentValues } from './transparent-values';

const RESOURCE_NAMES: ReadonlySet<string> = new Set(['attributes', 'droppedAttributesCount', 'schemaUrl']);
const SCOPE_NAMES: ReadonlySet<string> = new Set([...RESOURCE_NAMES, 'name', 'version']);
/** Instrumentation libraries are what scopes were called until 1.9 of the SDK. */
const SCOPE_MEMBERS = ['instrumentationScope', 'instrumentationLibrary'];

/** Longer texts are told apart by their digest: a Map of long strings is a list, for V8 hashes only their length. */
const KEY_BYTES_MAX = 256;

/** A span that was read, and where it was written. With a fault it is an empty message. */
export interface WrittenSpan {
  /** In the list its sender has sent. */
  readonly index: number;
  /** Where its own text lies in the body. */
  readonly textStart: number;
  readonly textEnd: number;
  readonly start: number;
  readonly end: number;
  readonly fault: JsonFault | undefined;
  readonly repairs: ReadonlySet<JsonRepair>;
  readonly originalIds: OriginalIds;
}

/** The fields that stand once for spans of the same resource or scope, and what came of reading them. */
interface Head {
  readonly start: number;
  readonly end: number;
  /** One of every span of the group; its path is in the span. */
  readonly fault: JsonFault | undefined;
  readonly repairs: ReadonlySet<JsonRepair>;
}
export interface ScopeGroup extends Head {
  readonly spans: WrittenSpan[];
}
export interface ResourceGroup extends Head {
  readonly scopes: Map<string, ScopeGroup>;
}

/** Spans by resource and scope. Equal is what is the same text; mostly all are. */
export class TransparentGroups {
  readonly resources = new Map<string, ResourceGroup>();
  readonly #tools: TransparentTools;
  readonly #values: TransparentValues;

  constructor(tools: TransparentTools) {
    this.#tools = tools;
    this.#values = new TransparentValues(tools);
  }

  /** The group of a span; `undefined` is an element that is no span. Writes the heads of groups that are new. */
  of(span: Members | undefined): ScopeGroup {
    const resource = entry(this.resources, keyOf(span?.text('resource')), () => ({
      ...this.#head(() => span?.read('resource', () => this.#resource())),
      scopes: new Map(),
    }));
    const member = SCOPE_MEMBERS.find((name) => span?.text(name) !== undefined) ?? '';
    return entry(resource.scopes, keyOf(span?.text(member)), () => ({
      ...this.#head(() => span?.read(member, () => this.#scope())),
      spans: [],
    }));
  }

  #head(write: () => void): Head {
    const { writer, scalars, limits } = this.#tools;
    limits.group();
    const start = writer.pos;
    const { repairs } = scalars.collect();
    try {
      write();
      return { start, end: writer.pos, fault: undefined, repairs };
    } catch (fault) {
      if (!(fault instanceof JsonFault)) throw fault;
      writer.pos = start;
      return { start, end: start, fault, repairs };
    }
  }

  #resource(): void {
    const resource = new Members(this.#tools.scanner, RESOURCE_NAMES);
    this.#values.message(field(RESOURCE_SPANS, 'resource'), () => this.#values.attributes(resource, RESOURCE));
    this.#values.scalar(resource, field(RESOURCE_SPANS, 'schemaUrl'));
  }

  #scope(): void {
    const scope = new Members(this.#tools.scanner, SCOPE_NAMES);
    this.#values.message(field(SCOPE_SPANS, 'scope'), () => {
      this.#values.scalar(scope, field(SCOPE, 'name'));
      this.#values.scalar(scope, field(SCOPE, 'version'));
      this.#values.attributes(scope, SCOPE);
    });
    this.#values.scalar(scope, field(SCOPE_SPANS, 'schemaUrl'));
  }
}

/** Absent is equal to absent. */
function keyOf(text: Buffer | undefined): string {
  if (text === undefined) return '';
  return text.length <= KEY_BYTES_MAX ? text.toString('latin1') : createHash('sha256').update(text).digest('base64');
}

function entry<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
