import {
  type HrTime,
  type Link,
  type SpanContext,
  type SpanStatus,
  type SpanStatusCode,
  TraceFlags,
  type TraceState,
} from '@opentelemetry/api';
import type { TimedEvent } from '@opentelemetry/sdk-trace-base';
import { emptyRecord, readKeyValue } from './any-value';
import { eachField } from './each-field';
import { EVENT, field, LINK, STATUS } from './schema';
import { ValueRoom } from './value-room';

/** Span.flags and Link.flags: bits 0-7 are the W3C trace flags (opentelemetry-proto trace.proto, SpanFlags). */
const W3C_FLAGS = 0xff;
const NANOS_PER_SECOND = 1_000_000_000n;

const STATUS_MESSAGE = field(STATUS, 'message').number;
const STATUS_CODE = field(STATUS, 'code').number;
const EVENT_TIME = field(EVENT, 'timeUnixNano').number;
const EVENT_NAME = field(EVENT, 'name').number;
const EVENT_ATTRIBUTES = field(EVENT, 'attributes').number;
const EVENT_DROPPED = field(EVENT, 'droppedAttributesCount').number;
const LINK_TRACE_ID = field(LINK, 'traceId').number;
const LINK_SPAN_ID = field(LINK, 'spanId').number;
const LINK_TRACE_STATE = field(LINK, 'traceState').number;
const LINK_ATTRIBUTES = field(LINK, 'attributes').number;
const LINK_DROPPED = field(LINK, 'droppedAttributesCount').number;
const LINK_FLAGS = field(LINK, 'flags').number;

/** Seconds and nanoseconds, exactly; offset -1 is an absent time, which is 0. */
export function hrTime(bytes: Buffer, offset: number): HrTime {
  return hrTimeOf(nanosAt(bytes, offset));
}

/** May be negative, where the sender's clock went back. */
export function durationBetween(bytes: Buffer, start: number, end: number): HrTime {
  return hrTimeOf(nanosAt(bytes, end) - nanosAt(bytes, start));
}

/** A span that was exported was sampled; OTel's processors drop spans whose flags do not say so. */
export const sampled = (flags: number) => (flags & W3C_FLAGS) | TraceFlags.SAMPLED;

/**
 * The sender's text as a TraceState. Not `createTraceState`: that one drops, cuts and reorders what it does not like.
 */
export function rawTraceState(text: string): TraceState {
  const members = text.split(',').map((member) => member.trim());
  return {
    get: (key) => members.find((member) => member.startsWith(`${key}=`))?.slice(key.length + 1),
    set: (key, value) =>
      rawTraceState([`${key}=${value}`, ...members.filter((m) => !m.startsWith(`${key}=`))].join(',')),
    unset: (key) => rawTraceState(members.filter((member) => !member.startsWith(`${key}=`)).join(',')),
    serialize: () => text,
  };
}

/** `ranges`: pairs of start and end of each occurrence; a repeated singular message is merged. */
export function readStatus(bytes: Buffer, ranges: readonly number[]): SpanStatus {
  let code = 0;
  let message = '';
  eachOf(bytes, ranges, (reader, number) => {
    if (number === STATUS_CODE) code = reader.int32();
    else if (number === STATUS_MESSAGE) message = reader.string();
    else return false;
    return true;
  });
  return { code: code as SpanStatusCode, ...(message === '' ? {} : { message }) };
}

export function readEvents(bytes: Buffer, ranges: readonly number[]): TimedEvent[] {
  const room = new ValueRoom();
  return each(ranges, (start, end) => {
    const attributes = emptyRecord();
    let time = -1;
    let name = '';
    let droppedAttributesCount = 0;
    eachField(bytes, start, end, (reader, number) => {
      if (number === EVENT_TIME) {
        time = reader.pos;
        reader.pos += 8;
      } else if (number === EVENT_NAME) name = reader.string();
      else if (number === EVENT_ATTRIBUTES) readKeyValue(reader, reader.uint32() + reader.pos, attributes, room);
      else if (number === EVENT_DROPPED) droppedAttributesCount = reader.uint32();
      else return false;
      return true;
    });
    return {
      name,
      time: hrTime(bytes, time),
      attributes: attributes as TimedEvent['attributes'],
      droppedAttributesCount,
    };
  });
}

export function readLinks(bytes: Buffer, ranges: readonly number[]): Link[] {
  const room = new ValueRoom();
  return each(ranges, (start, end) => {
    const attributes = emptyRecord();
    let traceId = '';
    let spanId = '';
    let traceState = '';
    let flags = 0;
    let droppedAttributesCount = 0;
    eachField(bytes, start, end, (reader, number) => {
      if (number === LINK_TRACE_ID) traceId = hex(reader.bytes());
      else if (number === LINK_SPAN_ID) spanId = hex(reader.bytes());
      else if (number === LINK_TRACE_STATE) traceState = reader.string();
      else if (number === LINK_ATTRIBUTES) readKeyValue(reader, reader.uint32() + reader.pos, attributes, room);
      else if (number === LINK_DROPPED) droppedAttributesCount = reader.uint32();
      else if (number === LINK_FLAGS) flags = reader.fixed32();
      else return false;
      return true;
    });
    const context: SpanContext = { traceId, spanId, traceFlags: flags & W3C_FLAGS };
    if (isRemote(flags)) context.isRemote = true;
    if (traceState !== '') context.traceState = rawTraceState(traceState);
    return { context, attributes: attributes as Link['attributes'], droppedAttributesCount };
  });
}

/** Bit 8 says that bit 9 means something, bit 9 that the context came from another process. */
export const isRemote = (flags: number) => (flags & 0x300) === 0x300;

function eachOf(bytes: Buffer, ranges: readonly number[], read: Parameters<typeof eachField>[3]): void {
  for (let at = 0; at < ranges.length; at += 2) eachField(bytes, ranges[at]!, ranges[at + 1]!, read);
}

function each<T>(ranges: readonly number[], readOne: (start: number, end: number) => T): T[] {
  const all: T[] = [];
  for (let at = 0; at < ranges.length; at += 2) all.push(readOne(ranges[at]!, ranges[at + 1]!));
  return all;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

const nanosAt = (bytes: Buffer, offset: number) => (offset === -1 ? 0n : bytes.readBigUInt64LE(offset));

const hrTimeOf = (nanos: bigint): HrTime => [Number(nanos / NANOS_PER_SECOND), Number(nanos % NANOS_PER_SECOND)];
