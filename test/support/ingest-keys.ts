import { createHash } from 'node:crypto';
import type { ReceiverKey } from '../../src/receiver/keys';

/** A key as the receiver knows it, made of its text; a server key without bounds unless told otherwise. */
export const ingestKey = (text: string, rest: Partial<ReceiverKey> = {}): ReceiverKey => ({
  name: 'test',
  sha256: createHash('sha256').update(text).digest('hex'),
  browser: false,
  origins: [],
  burstSeconds: 10,
  stamp: {},
  ...rest,
});
