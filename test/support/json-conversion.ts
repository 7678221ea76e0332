import type { JsonRepair } from '../../src/otlp/json-fault';
import { type ConvertedRequest, jsonRequestSteps } from '../../src/otlp/json-request';
import { type CanonicalSpan, canonicalFromProtobuf } from './canonical';
import { SPAN_ID, TRACE_ID } from './otlp-messages';

export interface Conversion {
  /** Read by the independent reader; a span with a fault has no ids. */
  spans: CanonicalSpan[];
  /** Position of the span, reason, path, and what is wrong. */
  faults: [ordinal: number, reason: string, path: string, description: string][];
  repairs: Record<number, JsonRepair[]>;
}

/** All of an OTLP/JSON request turned into protobuf. */
export function convertJsonRequest(body: Buffer, allowed: (repair: JsonRepair) => boolean): ConvertedRequest {
  const steps = jsonRequestSteps(body, allowed);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** An OTLP/JSON request turned into protobuf, with the repairs in `off` switched off. */
export function convert(body: string | Buffer, off: readonly JsonRepair[] = []): Conversion {
  const { bytes, faults, repairs } = convertJsonRequest(
    Buffer.from(body),
    (repair) => repair !== 'id_derived' && !off.includes(repair),
  );
  return {
    spans: canonicalFromProtobuf(bytes),
    faults: [...faults].map(([ordinal, { reason, path, description }]) => [ordinal, reason, path, description]),
    repairs: Object.fromEntries([...repairs].map(([ordinal, names]) => [ordinal, [...names].sort()])),
  };
}

const IDS_TEXT = `"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}"`;

/** A request of these spans, each given as its JSON. */
export const requestText = (...spans: string[]): string =>
  `{"resourceSpans":[{"scopeSpans":[{"spans":[${spans.join(',')}]}]}]}`;

/** A span of good ids and these members. */
export const spanText = (members = ''): string => `{${IDS_TEXT}${members === '' ? '' : `,${members}`}}`;

export const attributeText = (value: string): string => spanText(`"attributes":[{"key":"k","value":${value}}]`);

/** Where the span of `requestText` is. */
export const SPAN_PATH = 'resourceSpans[0].scopeSpans[0].spans[0]';
