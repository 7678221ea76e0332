import { BufferReader, type Reader } from 'protobufjs/minimal';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './ids';
import { AttributeTable, LazyAttributes } from './lazy-attributes';
import { field, KEY_VALUE, SPAN } from './schema';

const TRACE_ID = field(SPAN, 'traceId').number;
const SPAN_ID = field(SPAN, 'spanId').number;
const TRACE_STATE = field(SPAN, 'traceState').number;
const PARENT_ID = field(SPAN, 'parentSpanId').number;
const NAME = field(SPAN, 'name').number;
const KIND = field(SPAN, 'kind').number;
const START = field(SPAN, 'startTimeUnixNano').number;
const END = field(SPAN, 'endTimeUnixNano').number;
const ATTRIBUTES = field(SPAN, 'attributes').number;
const DROPPED_ATTRIBUTES = field(SPAN, 'droppedAttributesCount').number;
const EVENTS = field(SPAN, 'events').number;
const DROPPED_EVENTS = field(SPAN, 'droppedEventsCount').number;
const LINKS = field(SPAN, 'links').number;
const DROPPED_LINKS = field(SPAN, 'droppedLinksCount').number;
const STATUS = field(SPAN, 'status').number;
const FLAGS = field(SPAN, 'flags').number;
const KEY = field(KEY_VALUE, 'key').number;
const VALUE = field(KEY_VALUE, 'value').number;

const NONE: number[] = [];

/** Reads the spans of one request. What is made once per request, and not once per span, is made here. */
export class SpanReader {
  readonly #reader: BufferReader;
  readonly #table = new AttributeTable();

  /** `bytes` must have passed `scanRequest` with `check`. */
  constructor(readonly bytes: Buffer) {
    this.#reader = new BufferReader(bytes);
  }

  index(start: number, end: number): SpanIndex {
    const from = this.#table.size;
    const index = new SpanIndex();
    this.#reader.pos = start;
    while (this.#reader.pos < end) index.readField(this.#reader, this.#table);
    index.attributes = new LazyAttributes(this.bytes, this.#table, from);
    return index;
  }
}

/** Where the fields of one span lie in its bytes: offsets, -1 where absent; repeated messages as pairs of start and end. */
export class SpanIndex {
  traceId = -1;
  spanId = -1;
  parentId = -1;
  traceState = '';
  nameStart = 0;
  nameEnd = 0;
  kind = 0;
  start = -1;
  end = -1;
  flags = 0;
  droppedAttributes = 0;
  droppedEvents = 0;
  droppedLinks = 0;
  status = NONE;
  events = NONE;
  links = NONE;
  attributes!: LazyAttributes;

  readField(reader: BufferReader, table: AttributeTable): void {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case ATTRIBUTES:
        indexAttribute(reader, table);
        break;
      case TRACE_ID:
        this.traceId = idAt(reader, TRACE_ID_BYTES);
        break;
      case SPAN_ID:
        this.spanId = idAt(reader, SPAN_ID_BYTES);
        break;
      case PARENT_ID:
        this.parentId = idAt(reader, SPAN_ID_BYTES);
        break;
      case NAME:
        this.nameEnd = reader.uint32() + reader.pos;
        this.nameStart = reader.pos;
        reader.pos = this.nameEnd;
        break;
      case START:
        this.start = reader.pos;
        reader.pos += 8;
        break;
      case END:
        this.end = reader.pos;
        reader.pos += 8;
        break;
      case KIND:
        this.kind = reader.int32();
        break;
      case FLAGS:
        this.flags = reader.fixed32();
        break;
      case STATUS:
        this.status = withRange(reader, this.status);
        break;
      case EVENTS:
        this.events = withRange(reader, this.events);
        break;
      case LINKS:
        this.links = withRange(reader, this.links);
        break;
      case TRACE_STATE:
        this.traceState = reader.string();
        break;
      case DROPPED_ATTRIBUTES:
        this.droppedAttributes = reader.uint32();
        break;
      case DROPPED_EVENTS:
        this.droppedEvents = reader.uint32();
        break;
      case DROPPED_LINKS:
        this.droppedLinks = reader.uint32();
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
}

/** Offset of an id's bytes, -1 for one that is empty or, with its repair switched off, of another length. */
function idAt(reader: BufferReader, bytes: number): number {
  const length = reader.uint32();
  const at = reader.pos;
  reader.pos += length;
  return length === bytes ? at : -1;
}

function withRange(reader: BufferReader, ranges: number[]): number[] {
  const end = reader.uint32() + reader.pos;
  const grown = ranges === NONE ? [] : ranges;
  grown.push(reader.pos, end);
  reader.pos = end;
  return grown;
}

/** Adds the KeyValue whose length stands at the reader's position. */
export function indexAttribute(reader: Reader, table: AttributeTable): void {
  const end = reader.uint32() + reader.pos;
  let keyStart = end;
  let keyEnd = end;
  let valueStart = end;
  let valueEnd = end;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === KEY) {
      keyEnd = reader.uint32() + reader.pos;
      keyStart = reader.pos;
      reader.pos = keyEnd;
    } else if (tag >>> 3 === VALUE) {
      const fieldEnd = reader.uint32() + reader.pos;
      // Given twice, the two are merged: an empty one changes nothing.
      if (fieldEnd > reader.pos) {
        valueStart = reader.pos;
        valueEnd = fieldEnd;
      }
      reader.pos = fieldEnd;
    } else reader.skipType(tag & 7);
  }
  table.add(keyStart, keyEnd, valueStart, valueEnd);
}
