import type { MediaClient, MediaFailure, Medium } from './media-client';

/** The label in `gateway_media_total{outcome}`; `known`: Langfuse had that content; `failed`: tried again later. */
export const MEDIA_OUTCOMES = ['uploaded', 'known', 'refused', 'failed'] as const;
export type MediaOutcome = (typeof MEDIA_OUTCOMES)[number];

export type UploadResult =
  | { readonly kind: 'there'; readonly mediaId: string; readonly outcome: 'uploaded' | 'known' }
  | MediaFailure;

export interface MediaUploader {
  /** Resolves when Langfuse has the medium and knows that it has it. Never rejects. */
  upload(medium: Medium, outside: Outside): Promise<UploadResult>;
}

/** Waits for what another one uploads. */
export type Outside = (waitedFor: Promise<UploadResult>) => Promise<UploadResult>;

/** Uploads that Langfuse may not know of. A medium that was deleted there meanwhile must not be taken for one. */
const REMEMBERED_MS = 600_000;
const REMEMBERED_MAX = 1_000;

interface Stored {
  readonly mediaId: string;
  readonly status: number;
  readonly tookMs: number;
  readonly atMs: number;
  isConfirmed: boolean;
}

/**
 * Each medium is announced for each place that shows it, for that is how Langfuse links them (its mediaService.ts:
 * linkUploadedMedia), but its content goes once: who has the same while it is under way waits for it, and shares its failure.
 */
export function createMediaUploader({ client, now }: { client: MediaClient; now: () => number }): MediaUploader {
  /** By content and type. */
  const underWay = new Map<string, Promise<UploadResult>>();
  /**
   * Langfuse asks again for what was not confirmed, and for all that a store has answered with 201
   * (createMediaUploadUrl looks for 200 alone). Whatever else it asks for, it has lost.
   */
  const stored = createStored(now);

  async function confirm(key: string, put: Stored): Promise<UploadResult> {
    const answer = await client.confirm(put.mediaId, put);
    // The next time it is all that is left to do.
    if (answer.kind !== 'confirmed') return answer;
    put.isConfirmed = true;
    if (put.status === 200) stored.forget(key);
    return { kind: 'there', mediaId: put.mediaId, outcome: 'uploaded' };
  }

  async function upload(key: string, medium: Medium): Promise<UploadResult> {
    const announced = await client.announce(medium);
    if (announced.kind !== 'announced') return announced;
    const { mediaId, uploadUrl } = announced;
    if (uploadUrl === undefined) return { kind: 'there', mediaId, outcome: 'known' };
    const before = stored.get(key, mediaId);
    if (before?.isConfirmed) return { kind: 'there', mediaId, outcome: 'known' };
    if (before !== undefined) return confirm(key, before);
    const startedMs = now();
    const put = await client.put(uploadUrl, medium);
    if (put.kind !== 'put') return put;
    const tookMs = now() - startedMs;
    return confirm(
      key,
      stored.add(key, { ...{ mediaId, tookMs }, status: put.status, atMs: now(), isConfirmed: false }),
    );
  }

  return {
    async upload(medium, outside) {
      const key = `${medium.sha256} ${medium.contentType}`;
      const others = underWay.get(key);
      const first = others && (await outside(others));
      if (first !== undefined && first.kind !== 'there') return first;
      const mine = upload(key, medium);
      if (!underWay.has(key)) {
        underWay.set(key, mine);
        void mine.then(() => underWay.delete(key));
      }
      return mine;
    },
  };
}

function createStored(now: () => number) {
  const stored = new Map<string, Stored>();
  return {
    get(key: string, mediaId: string): Stored | undefined {
      const known = stored.get(key);
      return known?.mediaId === mediaId && now() - known.atMs < REMEMBERED_MS ? known : undefined;
    },
    add(key: string, put: Stored): Stored {
      stored.delete(key);
      const [oldest] = stored.keys();
      if (stored.size >= REMEMBERED_MAX && oldest !== undefined) stored.delete(oldest);
      stored.set(key, put);
      return put;
    },
    forget: (key: string) => stored.delete(key),
  };
}
