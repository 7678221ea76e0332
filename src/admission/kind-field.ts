import { kindText, METADATA } from '../langfuse/visibility';
import { attributeField } from '../otlp/attribute-fields';

const kindFields = new Map<number, Buffer>();
const KINDS_MAX = 16;

/** The attribute that shows a kind, `kind` being its number on the wire. Most spans have one, and nothing else that Langfuse would drop. */
export function kindField(kind: number): Buffer {
  const known = kindFields.get(kind);
  if (known !== undefined) return known;
  const encoded = attributeField(METADATA.kind, kindText(kind - 1));
  if (kindFields.size < KINDS_MAX) kindFields.set(kind, encoded);
  return encoded;
}
