import { createHash } from 'node:crypto';
import type { Reader } from './findings';
import { BROWSER_KEY_BOUNDS } from './key-settings';
import { countDestinations, countEntries, given, type Together } from './together';

/** Who may send, and how much. Bounds that are absent are none. */
export interface IngestKey {
  /** Label in metrics and log. Keys of GATEWAY_INGEST_KEYS are called `env`. */
  name: string;
  /** Hex, lower case; the key itself is not kept. */
  sha256: string;
  /** Name of a configured destination; absent: the first (and always absent in preview mode). */
  destination?: string;
  /** May come in the query, and from its origins only. */
  browser: boolean;
  /** As `receiver.corsOrigins`; empty: where a request comes from does not matter (never of a browser key). */
  origins: string[];
  /** Absent: all ingest and flush paths. Without a slash at the end. */
  paths?: string[];
  spansPerSecond?: number;
  /** Uncompressed. */
  bytesPerSecond?: number;
  burstSeconds: number;
  dailySpans?: number;
  maxSpansPerRequest?: number;
  maxAttributeBytes?: number;
  /** Attributes put on every span of this key, over what it says. */
  stamp: Record<string, string | number | boolean>;
  /** From then on it lets nobody in; milliseconds since the epoch. */
  expiresAtMs?: number;
}

/** The file's keys, then those of the environment. `judgeIngestKeys` has found no mistake in them. */
export function ingestKeys(together: Together): IngestKey[] {
  const { reader } = together;
  const isPreview = countDestinations(together) === 0;
  return [
    ...Array.from({ length: countEntries(together, 'keys') }, (_, index) => fileKey(reader, { index, isPreview })),
    ...[...new Set(reader.get('ingestKeys'))].map(serverKey),
  ];
}

/** The hash of a key of the file, however it is given. */
export function hashOf({ get }: Reader, index: number): string | undefined {
  const key = get('keys[].key', index);
  return key === undefined ? get('keys[].keySha256', index) : sha256Of(key);
}

export const sha256Of = (key: string): string => createHash('sha256').update(key).digest('hex');

function fileKey(reader: Reader, { index, isPreview }: { index: number; isPreview: boolean }): IngestKey {
  const { get } = reader;
  const browser = get('keys[].browser', index);
  const bounds = browser ? BROWSER_KEY_BOUNDS : undefined;
  return {
    name: get('keys[].name', index)!,
    sha256: hashOf(reader, index)!,
    browser,
    origins: unique(get('keys[].origins', index)),
    burstSeconds: get('keys[].burstSeconds', index),
    stamp: { ...get('keys[].stamp', index) },
    ...given({
      destination: isPreview ? undefined : get('keys[].destination', index),
      paths: get('keys[].paths', index) && unique(get('keys[].paths', index)!),
      spansPerSecond: get('keys[].spansPerSecond', index) ?? bounds?.spansPerSecond,
      bytesPerSecond: get('keys[].bytesPerSecond', index) ?? bounds?.bytesPerSecond,
      dailySpans: get('keys[].dailySpans', index),
      maxSpansPerRequest: get('keys[].maxSpansPerRequest', index) ?? bounds?.maxSpansPerRequest,
      maxAttributeBytes: get('keys[].maxAttributeBytes', index),
      expiresAtMs: get('keys[].expires', index),
    }),
  };
}

const serverKey = (key: string): IngestKey => ({
  name: 'env',
  sha256: sha256Of(key),
  browser: false,
  origins: [],
  burstSeconds: 10,
  stamp: {},
});

const unique = (entries: readonly string[]): string[] => [...new Set(entries)];
