import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ENVIRONMENT_KEYS } from './observation/environment';
import { RELEASE_KEY } from './observation/observation-fields';

/** What a destination is configured to put on spans; absent: nothing. */
export interface Stamps {
  readonly environment?: string;
  readonly release?: string;
}

/** Puts a destination's environment and release on a span that carries none, itself or on its resource. */
export function stamp(span: ReadableSpan, { environment, release }: Stamps): void {
  stampOne(span, ENVIRONMENT_KEYS, environment);
  stampOne(span, [RELEASE_KEY], release);
}

/** Under the first of the keys. */
function stampOne(span: ReadableSpan, keys: readonly string[], value: string | undefined): void {
  if (value === undefined || keys.some((key) => key in span.attributes || key in span.resource.attributes)) return;
  span.attributes[keys[0]!] = value;
}
