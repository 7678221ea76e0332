import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type CanonicalSpan, canonicalFromJson, canonicalFromProtobuf } from './canonical';

/** A request that a real client sent; where it comes from is told in test/fixtures/corpus/README.md. */
export interface CorpusCase {
  /** Folder and file, for example `otel-js-2x/proto-kinds-status`. */
  name: string;
  /** As it was on the wire: a content coding is left on. */
  body: Buffer;
  /** What the client sent, without the headers that belong to its connection. */
  headers: Record<string, string>;
  path: string;
  /** Sent without Content-Length. */
  chunked: boolean;
  /** `grpc`: the message without its frame, to be posted as protobuf. */
  protocol: 'http' | 'grpc';
  encoding: 'json' | 'protobuf';
  spans: number;
}

const CORPUS = join(__dirname, '../fixtures/corpus');
const CONNECTION_HEADERS = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive']);

export const corpusCases: readonly CorpusCase[] = readdirSync(CORPUS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap((folder) =>
    readdirSync(join(CORPUS, folder.name))
      .filter((file) => file.endsWith('.meta.json'))
      .map((file) => readCase(`${folder.name}/${file.slice(0, -'.meta.json'.length)}`)),
  )
  .sort((a, b) => (a.name < b.name ? -1 : 1));

/** What the client meant, read by the canonical form's own readers. */
export function canonicalOfCase(corpusCase: CorpusCase): CanonicalSpan[] {
  const bytes = plainBody(corpusCase);
  return corpusCase.encoding === 'json' ? canonicalFromJson(bytes.toString('utf8')) : canonicalFromProtobuf(bytes);
}

/** The body without its content coding. */
export function plainBody({ body, headers }: CorpusCase): Buffer {
  return headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

interface Meta {
  path: string;
  protocol: 'http' | 'grpc';
  headers: Record<string, string>;
  encoding: string;
  framing: string;
  spans: number;
}

function readCase(name: string): CorpusCase {
  const meta = JSON.parse(readFileSync(join(CORPUS, `${name}.meta.json`), 'utf8')) as Meta;
  const sent = Object.entries(meta.headers).filter(([header]) => !CONNECTION_HEADERS.has(header));
  const grpc = meta.protocol === 'grpc';
  return {
    name,
    body: readFileSync(join(CORPUS, `${name}.body`)),
    headers: grpc ? { 'content-type': 'application/x-protobuf' } : Object.fromEntries(sent),
    path: grpc ? '/v1/traces' : meta.path,
    chunked: meta.framing === 'chunked',
    protocol: meta.protocol,
    encoding: meta.encoding === 'JSON' ? 'json' : 'protobuf',
    spans: meta.spans,
  };
}
