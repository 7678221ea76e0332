import type { KeptRequest } from '../../src/inspector/kept-request';
import { NOBODY } from './inspecting';
import { encodeSpans, type SpanToSend } from './trace-request';

/** A request of these spans as the inspector keeps it in `metadata` mode, but with all that they say. */
export function keptRequest(spans: readonly SpanToSend[], changes: Partial<KeptRequest> = {}): KeptRequest {
  return {
    ...{ receivedAtMs: 0, destination: 'main', stamps: {}, sender: NOBODY },
    ...{ bytes: encodeSpans(spans), spans: spans.length },
    notes: () => ({ repairs: [], warnings: [] }),
    ...{ received: undefined, rejectedAt: new Set<number>() },
    ...changes,
  };
}
