import type { Rejection } from '../admission/admit';
import type { RequestedContext } from '../admission/trace-context';
import type { WarningName } from '../admission/warnings';
import type { Format } from './format';

/** What a request is made of once it is inside: its bytes, uncompressed. */
export interface ReceivedBody {
  readonly format: Format;
  readonly bytes: Buffer;
  /** What its headers or its query say. */
  readonly traceContext: RequestedContext | undefined;
}

/** What the sender hears of. */
export interface Accepted {
  readonly rejections: readonly Rejection[];
  /** How many spans each is about, and the ids of the first of them, in hex. */
  readonly warnings: ReadonlyMap<
    WarningName,
    { readonly spans: number; readonly traceId: string; readonly spanId: string }
  >;
}

/** Reads, judges and keeps a request. Resolves when the accepted spans are kept; rejects with a GatewayError. */
export type Accept = (body: ReceivedBody) => Promise<Accepted>;
