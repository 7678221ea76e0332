import type { Admission } from '../admission/admit';
import type { Format } from './format';

/** What a request is made of once it is inside: its bytes, uncompressed. */
export interface ReceivedBody {
  readonly format: Format;
  readonly bytes: Buffer;
}

/** Reads, judges and keeps a request. Resolves when the accepted spans are kept; rejects with a GatewayError. */
export type Accept = (body: ReceivedBody) => Promise<Pick<Admission, 'rejections'>>;
