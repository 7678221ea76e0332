/** What Langfuse's media API takes (4.x, web/src/features/media/validation.ts, packages/shared/src/domain/media.ts). */
const CONTENT_TYPES: ReadonlySet<unknown> = new Set([
  ...kinds('image', 'png jpeg jpg webp gif svg+xml tiff bmp avif heic'),
  ...kinds('audio', 'mpeg mp3 wav ogg oga aac mp4 flac opus webm'),
  ...kinds('video', 'mp4 webm ogg mpeg quicktime x-msvideo x-matroska'),
  ...kinds('text', 'plain html css csv markdown x-python x-typescript'),
  ...kinds('application', 'javascript x-yaml pdf msword vnd.ms-excel zip json xml octet-stream rtf x-ndjson'),
  ...kinds('application', 'vnd.apache.parquet gzip x-tar x-7z-compressed'),
  ...['spreadsheetml.sheet', 'wordprocessingml.document', 'presentationml.presentation'].map(
    (kind) => `application/vnd.openxmlformats-officedocument.${kind}`,
  ),
]);

function kinds(type: string, names: string): string[] {
  return names.split(' ').map((name) => `${type}/${name}`);
}

export interface Announcement {
  contentType: string;
  contentLength: number;
  sha256Hash: string;
  traceId: string;
  observationId?: string | null;
  field: string;
}

export function isAnnouncement(said: object): said is Announcement {
  const { contentType, contentLength, sha256Hash, traceId, observationId, field } = said as Record<string, unknown>;
  return (
    CONTENT_TYPES.has(contentType) &&
    Number.isSafeInteger(contentLength) &&
    (contentLength as number) > 0 &&
    /^[A-Za-z0-9+/=]{44}$/.test(String(sha256Hash)) &&
    typeof traceId === 'string' &&
    (observationId === undefined || observationId === null || typeof observationId === 'string') &&
    ['input', 'output', 'metadata'].includes(String(field))
  );
}

export function isConfirmation(said: object): said is { uploadHttpStatus: number } {
  const { uploadedAt, uploadHttpStatus, uploadTimeMs } = said as Record<string, unknown>;
  return (
    !Number.isNaN(Date.parse(String(uploadedAt))) &&
    Number.isSafeInteger(uploadHttpStatus) &&
    (uploadHttpStatus as number) > 0 &&
    (uploadTimeMs === undefined || uploadTimeMs === null || typeof uploadTimeMs === 'number')
  );
}
