import { varintBytes } from './proto-writer';
import type { ResourceGroup, ScopeGroup } from './scan';
import { field, REQUEST, RESOURCE_SPANS, tagOf } from './schema';

const RESOURCE_SPANS_TAG = tagOf(field(REQUEST, 'resourceSpans'));
const SCOPE_SPANS_TAG = tagOf(field(RESOURCE_SPANS, 'scopeSpans'));

/** One span's field of ScopeSpans, tag and length included, as bytes `start` to `end` of `bytes`. */
export interface SpanPart {
  readonly scope: ScopeGroup;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Slices from here on are passed on as they are; smaller ones are copied together, since every piece costs a write. */
const PIECE_BYTES_MIN = 16 * 1024;

/**
 * Puts spans into an ExportTraceServiceRequest, each under the resource and scope it came with, byte for byte. Spans that
 * follow each other under one scope share it; those of equal but distinct scopes are not merged. The request comes in
 * pieces, to be sent or joined in order: large ones share memory with the parts.
 */
export function assembleRequest(parts: Iterable<SpanPart>): Buffer[] {
  const resources = group(parts);
  const sink = new Sink(copiedBytes(resources));
  for (const { head, scopes, size } of resources) {
    sink.prefix(RESOURCE_SPANS_TAG, size);
    sink.put(head, 0, head.length);
    for (const scope of scopes) {
      sink.prefix(SCOPE_SPANS_TAG, scope.size);
      sink.put(scope.head, 0, scope.head.length);
      for (const { bytes, start, end } of scope.slices) sink.put(bytes, start, end);
    }
  }
  return sink.finish();
}

interface ScopeRun {
  readonly group: ScopeGroup;
  readonly head: Buffer;
  readonly slices: { bytes: Buffer; start: number; end: number }[];
  size: number;
}

interface ResourceRun {
  readonly group: ResourceGroup;
  readonly head: Buffer;
  readonly scopes: ScopeRun[];
  size: number;
}

function group(parts: Iterable<SpanPart>): ResourceRun[] {
  const resources: ResourceRun[] = [];
  let scope: ScopeRun | undefined;
  for (const part of parts) {
    if (scope?.group !== part.scope) scope = openScope(resources, part.scope);
    const last = scope.slices.at(-1);
    // Neighbours in the sender's bytes stay one slice: an untouched request is copied in one piece.
    if (last?.bytes === part.bytes && last.end === part.start) last.end = part.end;
    else scope.slices.push({ bytes: part.bytes, start: part.start, end: part.end });
    scope.size += part.end - part.start;
  }
  for (const resource of resources) {
    resource.size = resource.scopes.reduce((sum, { size }) => sum + fieldBytes(size), resource.head.length);
  }
  return resources;
}

function openScope(resources: ResourceRun[], scope: ScopeGroup): ScopeRun {
  let resource = resources.at(-1);
  if (resource?.group !== scope.resource) {
    resource = { group: scope.resource, head: scope.resource.head, scopes: [], size: 0 };
    resources.push(resource);
  }
  const opened = { group: scope, head: scope.head, slices: [], size: scope.head.length };
  resource.scopes.push(opened);
  return opened;
}

/** Bytes of a length-delimited field whose tag takes one byte. */
const fieldBytes = (size: number) => 1 + varintBytes(size) + size;

/** What the sink has to hold: everything but the slices that stay pieces. */
function copiedBytes(resources: readonly ResourceRun[]): number {
  let copied = 0;
  const count = (size: number) => {
    if (size < PIECE_BYTES_MIN) copied += size;
  };
  for (const { head, scopes, size } of resources) {
    copied += 1 + varintBytes(size);
    count(head.length);
    for (const scope of scopes) {
      copied += 1 + varintBytes(scope.size);
      count(scope.head.length);
      for (const { start, end } of scope.slices) count(end - start);
    }
  }
  return copied;
}

class Sink {
  readonly #pieces: Buffer[] = [];
  readonly #copied: Buffer;
  #from = 0;
  #pos = 0;

  constructor(size: number) {
    this.#copied = Buffer.allocUnsafe(size);
  }

  prefix(tag: number, length: number): void {
    this.#copied[this.#pos++] = tag;
    let rest = length;
    while (rest > 0x7f) {
      this.#copied[this.#pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#copied[this.#pos++] = rest;
  }

  put(source: Buffer, start: number, end: number): void {
    if (end - start < PIECE_BYTES_MIN) {
      this.#pos += source.copy(this.#copied, this.#pos, start, end);
      return;
    }
    this.#cut();
    this.#pieces.push(source.subarray(start, end));
  }

  finish(): Buffer[] {
    this.#cut();
    return this.#pieces;
  }

  #cut(): void {
    if (this.#pos > this.#from) this.#pieces.push(this.#copied.subarray(this.#from, this.#pos));
    this.#from = this.#pos;
  }
}
