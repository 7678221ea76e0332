import { SPAN_ID_BYTES, TRACE_ID_BYTES } from '../otlp/ids';

/** Longest chain of spans of one place that is followed. Of random ids less than one in 10^35 is in a longer one. */
export const CHAIN_MAX = 32;

/** As many places, or some more, so that one is found by the low bits of a hash. At most 2^30. */
export const placesFor = (count: number): number => 1 << (32 - Math.clz32(count - 1));

/**
 * Two hashes of 32 bits over destination, trace id and span id: `place` says where a span is looked for, `print` what it
 * is known by. One object for many spans, so that a call leaves nothing behind.
 */
export class SpanHash {
  place = 0;
  print = 0;
  #tracePlace = 0;
  #tracePrint = 0;

  ofTrace(destinationNumber: number, bytes: Buffer, at: number): void {
    this.place = stirPlace(0x243f6a88, destinationNumber);
    this.print = stirPrint(0x13198a2e, destinationNumber);
    this.#stir(bytes, at, TRACE_ID_BYTES);
    this.#tracePlace = this.place;
    this.#tracePrint = this.print;
  }

  /** Of a span of that trace. */
  ofSpan(bytes: Buffer, at: number): void {
    this.place = this.#tracePlace;
    this.print = this.#tracePrint;
    this.#stir(bytes, at, SPAN_ID_BYTES);
  }

  #stir(bytes: Buffer, start: number, length: number): void {
    for (let at = start; at < start + length; at += 4) {
      const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      this.place = stirPlace(this.place, word);
      this.print = stirPrint(this.print, word);
    }
  }
}

const { imul } = Math;

/** Odd factors carry each bit upwards, shifts bring it down again: the low bits choose the place. */
function stirPlace(hash: number, word: number): number {
  const mixed = imul(hash ^ word, 0x9e3779b1);
  const again = imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return again ^ (again >>> 13);
}

function stirPrint(hash: number, word: number): number {
  const mixed = imul(hash + word, 0xc2b2ae35);
  const again = imul(mixed ^ (mixed >>> 16), 0x27d4eb2f);
  return again ^ (again >>> 15);
}
