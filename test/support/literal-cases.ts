import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { exchange } from './exchange';
import type { Answer } from './post';

/** A row of the conformance table that carries its request. */
export interface LiteralCase {
  id: string;
  /** The row's own words. */
  request: string;
  test: {
    method: string;
    path: string;
    /** Content-Type; null: none. */
    ct?: string | null;
    ct_override?: string;
    body?: string;
    /** Content coding to apply, and to say in the header. */
    ce?: string;
    h?: Record<string, string>;
    /** A list: any of them. */
    expect_status: number | number[];
    expect_ct?: string;
    expect_body?: string;
    expect_rejected?: string;
  };
}

const TABLE = JSON.parse(readFileSync(join(__dirname, '../fixtures/otlp-conformance-cases.json'), 'utf8')) as {
  fixtures: { T1J: string; T1P_hex: string };
  cases: { id: string; request: string; test: LiteralCase['test'] | null }[];
};

/** The ids of all rows of the table. */
export const rowIds: readonly string[] = TABLE.cases.map(({ id }) => id);

export const literalCases: readonly LiteralCase[] = TABLE.cases.filter((row): row is LiteralCase => row.test !== null);

export const T1J = Buffer.from(TABLE.fixtures.T1J);
export const T1P = Buffer.from(TABLE.fixtures.T1P_hex, 'hex');

export function sendLiteral(url: string, { test }: LiteralCase): Promise<Answer> {
  const { method, path, ce, h = {} } = test;
  const contentType = test.ct_override ?? test.ct ?? undefined;
  const plain = test.body === undefined ? undefined : literalBytes(test.body);
  const coded = ce === undefined || plain === undefined ? undefined : encode(ce, plain);
  return exchange(url, {
    ...{ method, path, body: coded?.bytes ?? plain },
    headers: {
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...(coded === undefined ? {} : { 'content-encoding': coded.header }),
      ...h,
    },
  });
}

/** `json:` and `raw:` are text as it stands, `hex:` bytes, `bom+json:` a byte order mark and text. */
export function literalBytes(literal: string): Buffer {
  const [, prefix, text = ''] = /^([a-z+]+):(.*)$/s.exec(literal) ?? [];
  if (prefix === 'json' || prefix === 'raw') return Buffer.from(text);
  if (prefix === 'hex') return Buffer.from(text, 'hex');
  if (prefix === 'bom+json') return Buffer.from(`\uFEFF${text}`);
  throw new Error(`unknown body ${literal.slice(0, 20)}`);
}

/** A file of test/fixtures/codings: what Node 20 cannot compress is stored. */
export const codingFixture = (name: string) => readFileSync(join(__dirname, '../fixtures/codings', name));

type Encode = (body: Buffer) => Buffer;

const storedT1P =
  (name: string): Encode =>
  (body) => {
    if (!body.equals(T1P)) throw new Error(`${name} holds T1P only`);
    return codingFixture(name);
  };

const CODINGS: Readonly<Record<string, { header?: string; bytes: Encode }>> = {
  identity: { bytes: (body) => body },
  gzip: { bytes: (body) => gzipSync(body) },
  GZIP: { bytes: (body) => gzipSync(body) },
  'x-gzip': { bytes: (body) => gzipSync(body) },
  zlib: { bytes: (body) => deflateSync(body) },
  deflate: { bytes: (body) => deflateSync(body) },
  'deflate-raw-as-deflate': { header: 'deflate', bytes: (body) => deflateRawSync(body) },
  zstd: { bytes: storedT1P('t1p.zst') },
  snappy: { bytes: storedT1P('t1p.snappy') },
  'snappy-framed-as-snappy': { header: 'snappy', bytes: storedT1P('t1p.sz') },
  'x-snappy-framed': { bytes: storedT1P('t1p.sz') },
  lz4: { bytes: storedT1P('t1p.lz4') },
};

function encode(coding: string, body: Buffer): { header: string; bytes: Buffer } {
  const known = CODINGS[coding];
  if (known === undefined) throw new Error(`unknown coding ${coding}`);
  return { header: known.header ?? coding, bytes: known.bytes(body) };
}
