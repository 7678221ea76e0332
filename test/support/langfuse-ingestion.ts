import type { IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { canonicalFromTree } from './canonical-json';
import { canonicalFromMessage, decodeRequest, type Message } from './canonical-protobuf';
import type { CanonicalSpan } from './canonical-span';
import { type ExactJson, parseExactJson } from './exact-json';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface Judgement {
  answer: Answer;
  encoding: 'json' | 'protobuf' | undefined;
  /** What could be decoded, whatever the answer. */
  spans: CanonicalSpan[];
  /** What the real server answers with 200 and then loses. */
  violations: string[];
}

/** What Langfuse makes of a post, in the order in which its route checks. */
export function judgeIngestion(options: {
  request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>;
  body: Buffer;
  publicKey: string;
  secretKey: string;
  bodyBytesMax?: number;
}): Judgement {
  const { body, bodyBytesMax = Number.POSITIVE_INFINITY } = options;
  const { method, url, headers } = options.request;
  const contentType = (headers['content-type'] ?? '').toLowerCase();
  const encoding = ENCODINGS.find(([type]) => contentType.includes(type))?.[1];
  const refuse = (status: number, error: string, spans: CanonicalSpan[] = []): Judgement => {
    const answer = { status, headers: {}, body: JSON.stringify(status === 400 ? { error } : { message: error }) };
    return { answer, encoding, spans, violations: [] };
  };

  if (url !== '/api/public/otel/v1/traces') return refuse(404, 'Not Found');
  if (method !== 'POST') return refuse(405, 'Method not allowed');
  if (headers.authorization === `Bearer ${options.publicKey}`) return refuse(403, 'Access denied');
  if (headers.authorization !== basicAuth(options)) {
    return refuse(401, "Invalid credentials. Confirm that you've configured the correct host.");
  }
  if (body.length > bodyBytesMax) return refuse(413, 'Payload too large');
  const plain = inflate(body, headers['content-encoding'] ?? '');
  if (plain === undefined) return refuse(400, 'Failed to decompress request body');
  if (plain.length > bodyBytesMax) return refuse(413, 'Payload too large');
  if (encoding === undefined) return refuse(400, 'Invalid content type');
  const decoded = attempt(() => (encoding === 'json' ? decodeJson(plain) : decodeProtobuf(plain)));
  if (decoded === undefined) return refuse(400, 'Failed to parse OTel Trace');
  const { spans } = decoded;
  const mistake = decoded.mistake ?? spans.map(idMistake).find((found) => found !== undefined);
  if (mistake !== undefined) return refuse(400, `${mistake}. The entire export was rejected`, spans);
  const version = headers['x-langfuse-ingestion-version'] ?? headers.x_langfuse_ingestion_version ?? '0';
  if (!(Number.parseInt(String(version), 10) <= 4)) {
    return refuse(400, 'Unsupported x-langfuse-ingestion-version', spans);
  }
  const answer = { status: 200, headers: {}, body: spans.length === 0 ? '{}' : job(options.publicKey) };
  return { answer, encoding, spans, violations: [...decoded.violations, ...spans.flatMap(poisonPills)] };
}

const ENCODINGS = [
  ['application/json', 'json'],
  ['application/x-protobuf', 'protobuf'],
] as const;

/** The prefix counts as it is written, and so do both keys. (The real server looks only at the secret one.) */
export function basicAuth({ publicKey, secretKey }: { publicKey: string; secretKey: string }): string {
  return `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`;
}

/** gzip is the only coding. (The real server lets others through to a parser that fails on them.) */
function inflate(body: Buffer, contentEncoding: string): Buffer | undefined {
  if (contentEncoding.includes('gzip')) return attempt(() => gunzipSync(body));
  return contentEncoding === '' || contentEncoding === 'identity' ? body : undefined;
}

interface Decoded {
  spans: CanonicalSpan[];
  violations: string[];
  /** Why the whole batch is refused. */
  mistake?: string;
}

function decodeProtobuf(bytes: Buffer): Decoded {
  const request = decodeRequest(bytes);
  const violations: string[] = [];
  for (const resourceSpans of (request.resourceSpans ?? []) as Message[]) {
    const unread = resourceSpans.instrumentationLibrarySpans as unknown[];
    if (unread.length > 0) violations.push(NOT_READ('library spans'));
    resourceSpans.instrumentationLibrarySpans = [];
  }
  return { spans: canonicalFromMessage(request), violations };
}

function decodeJson(bytes: Buffer): Decoded {
  const tree = parseExactJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  const found = { violations: [] as string[], mistakes: [] as string[] };
  walk(tree, found);
  const mistake = found.mistakes[0];
  return mistake === undefined
    ? { spans: canonicalFromTree(tree), violations: found.violations }
    : { spans: [], violations: found.violations, mistake };
}

const NOT_READ = (name: string) => `${name}: answered with 200 and not read`;

/** Takes out what Langfuse does not see, and notes it. Every key of an OTLP/JSON object is a field name. */
function walk(tree: ExactJson, found: { violations: string[]; mistakes: string[] }): void {
  if (Array.isArray(tree)) {
    if (tree.includes(null)) found.violations.push('null in an array');
    for (const element of tree) walk(element, found);
  }
  if (!(tree instanceof Map)) return;
  for (const [key, value] of [...tree]) {
    if (key.includes('_') || key === 'instrumentationLibrarySpans') {
      found.violations.push(NOT_READ(key));
      tree.delete(key);
      continue;
    }
    if (COLLECTIONS.has(key) && !Array.isArray(value)) found.mistakes.push(`${key} is not an array`);
    if (key === 'code' && typeof value === 'string') found.violations.push('status.code is not a number');
    if (ID_FIELDS.has(key) && typeof value === 'string' && /[A-F]/.test(value)) {
      found.violations.push(`${key} is not lower case: another trace than the lower case one`);
    }
    walk(value, found);
  }
}

const COLLECTIONS = new Set(['resourceSpans', 'scopeSpans', 'spans', 'attributes', 'events']);
const ID_FIELDS = new Set(['traceId', 'spanId', 'parentSpanId']);

function idMistake(span: CanonicalSpan): string | undefined {
  if (!isId(span.traceId, 32)) return 'traceId:not_an_id';
  if (!isId(span.spanId, 16)) return 'spanId:not_an_id';
  return span.parentSpanId === '' || isId(span.parentSpanId, 16) ? undefined : 'parentSpanId:not_an_id';
}

const isId = (id: string, digits: number) => id.length === digits && /^[0-9a-f]+$/.test(id) && !/^0+$/.test(id);

/** A value that is absent makes the worker throw, after the 200: all spans of the batch are lost. */
function poisonPills(span: CanonicalSpan): string[] {
  const owners = [span.resource, span.scope, span, ...span.events];
  return owners
    .flatMap((owner) => owner.attributes)
    .filter(({ value }) => value === null)
    .map(() => `span ${span.spanId}: an attribute without a value`);
}

/** The job of the ingestion queue, with the internals that the real answer shows. */
function job(publicKey: string): string {
  const data = { payload: { data: { fileKey: 'otel/p/1.json', publicKey }, authCheck: { scope: { projectId: 'p' } } } };
  return JSON.stringify({ name: 'otel-ingestion-job', data, opts: { attempts: 6 }, id: '1' });
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
