import type { Rejection } from '../admission/admit';
import type { SenderPolicy } from '../admission/sender-policy';
import type { RequestedContext } from '../admission/trace-context';
import type { WarningName } from '../admission/warnings';
import type { BodyFormat } from './format';

/** From whom a request came, as far as it says. */
export interface RequestSender {
  readonly userAgent: string | undefined;
  /** Of the client, as far as proxies are trusted. */
  readonly address: string | undefined;
  /** Name of its key. */
  readonly key: string | undefined;
}

/** What a request is made of once it is inside: its bytes, uncompressed. */
export interface ReceivedBody {
  readonly format: BodyFormat;
  readonly bytes: Buffer;
  /** What its headers or its query say. */
  readonly traceContext: RequestedContext | undefined;
  /** Where its sender's spans go; `undefined`: to the first destination. */
  readonly destination: string | undefined;
  readonly policy: SenderPolicy | undefined;
  readonly sender: RequestSender;
  /**
   * To be called before its spans are judged, with their number and that of their attributes, values, events and links;
   * throws a GatewayError when they are too many.
   */
  readonly onRead: (size: { readonly spans: number; readonly messages: number }) => void;
}

/** What the sender hears of. */
export interface Accepted {
  /** Spans that are kept. */
  readonly accepted: number;
  readonly rejections: readonly Rejection[];
  /** How many spans each is about, and the ids of the first of them, in hex. */
  readonly warnings: ReadonlyMap<
    WarningName,
    { readonly spans: number; readonly traceId: string; readonly spanId: string }
  >;
}

/** Reads, judges and keeps a request. Resolves when the accepted spans are kept; rejects with a GatewayError. */
export type Accept = (body: ReceivedBody) => Promise<Accepted>;
