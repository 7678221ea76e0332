import type { FieldSpec, MessageSpec } from './schema';
import { WireCursor } from './wire-cursor';

/**
 * Where the first message of a list lies that is larger than so many bytes, e.g. `.attributes[5]` or `.events[0]` of a span,
 * `.resource.attributes[2]` of the head of a ResourceSpans. Lists within those of a list are not looked at. `undefined`: there
 * is none. The message must have passed the check.
 */
export function findOversized(
  spec: MessageSpec,
  bytes: Buffer,
  { start, end }: { readonly start: number; readonly end: number },
  bytesMax: number,
): string | undefined {
  if (end - start <= bytesMax) return undefined;
  const seen = new Map<FieldSpec, number>();
  const cursor = new WireCursor(bytes);
  cursor.pos = start;
  while (cursor.pos < end) {
    const tag = cursor.tag(end);
    const known = spec.byNumber[tag >>> 3];
    if (known?.message === undefined) {
      cursor.skip(tag & 7, tag >>> 3, end);
      continue;
    }
    const fieldEnd = cursor.len(end);
    if (known.repeated) {
      const index = seen.get(known) ?? 0;
      if (fieldEnd - cursor.pos > bytesMax) return `.${known.name}[${index}]`;
      seen.set(known, index + 1);
    } else {
      const within = findOversized(known.message, bytes, { start: cursor.pos, end: fieldEnd }, bytesMax);
      if (within !== undefined) return `.${known.name}${within}`;
    }
    cursor.pos = fieldEnd;
  }
  return undefined;
}
