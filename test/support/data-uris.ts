import { createHash } from 'node:crypto';

export const uriOf = (content: Buffer, type = 'image/png') => `data:${type};base64,${content.toString('base64')}`;

/** What Langfuse calls it: the beginning of its hash. */
export const mediaIdOf = (content: Buffer) => createHash('sha256').update(content).digest('base64url').slice(0, 22);

/** What stands for the data URI of that content in a span whose media was uploaded. */
export const tagOf = (content: Buffer, type = 'image/png') =>
  `@@@langfuseMedia:type=${type}|id=${mediaIdOf(content)}|source=base64_data_uri@@@`;
