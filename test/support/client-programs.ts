import { execFile } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CanonicalAttribute, CanonicalSpan, CanonicalValue } from './canonical';

const ROOT = join(__dirname, '../..');
const CLIENTS = join(ROOT, 'test/clients');
const EXAMPLES_COPY = join(CLIENTS, '.cache/examples');

/** What examples/sent-spans.mjs prints of a span: the view of the SDK that made it. */
export interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  name: string;
  /** As in the SDK's enum, one less than on the wire. */
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Record<string, unknown>;
  events: { name: string; timeUnixNano: string; attributes: Record<string, unknown> }[];
  links: { traceId: string; spanId: string; attributes: Record<string, unknown> }[];
  status: { code: number; message?: string };
  resource: Record<string, unknown>;
  scope: { name: string; version: string };
}

/** Programs below examples/ need packages that are installed in test/clients: Node finds them from a copy there. */
export function prepareExamples(): void {
  if (!existsSync(join(CLIENTS, 'node_modules'))) {
    throw new Error('The test clients are not installed: npm run test:clients:install');
  }
  cpSync(join(ROOT, 'examples'), EXAMPLES_COPY, {
    recursive: true,
    filter: (source) => !source.includes('node_modules'),
  });
}

/**
 * Runs a program of test/clients (`otel-1.mjs`) or of the examples (`examples/otel-js/index.mjs`) with these variables and no
 * others, and returns what it says it sent.
 *
 * @throws when it ends with another code than 0, or not within 15 s.
 */
export async function runClient(program: string, env: Record<string, string>): Promise<SentSpan[]> {
  const path = program.startsWith('examples/')
    ? join(EXAMPLES_COPY, program.slice('examples/'.length))
    : join(CLIENTS, program);
  const lines = (await run(process.execPath, [path], env)).trim().split('\n');
  return (JSON.parse(lines.at(-1) ?? '') as { spans: SentSpan[] }).spans;
}

/** Runs an executable; returns what it printed. */
export async function run(file: string, args: string[], env: Record<string, string>): Promise<string> {
  const options = { env: { PATH: process.env.PATH ?? '', ...env }, timeout: 15_000, maxBuffer: 10_000_000 };
  const { stdout } = await promisify(execFile)(file, args, options);
  return stdout;
}

/** What an OTLP exporter of OpenTelemetry JS makes of the span: an integral number is an int, any other a double. */
export function canonicalOfSent(span: SentSpan, { flags }: { flags: number }): CanonicalSpan {
  const { traceId, spanId, parentSpanId, traceState, name } = span;
  const counted = (attributes: Record<string, unknown>) => ({
    attributes: attributesOf(attributes),
    droppedAttributesCount: 0,
  });
  return {
    resource: { ...counted(span.resource), entityRefs: [], schemaUrl: '' },
    scope: { ...span.scope, ...counted({}), schemaUrl: '' },
    ...{ traceId, spanId, parentSpanId, traceState, name },
    kind: span.kind + 1,
    startTimeUnixNano: BigInt(span.startTimeUnixNano),
    endTimeUnixNano: BigInt(span.endTimeUnixNano),
    ...counted(span.attributes),
    events: span.events.map((event) => ({
      timeUnixNano: BigInt(event.timeUnixNano),
      name: event.name,
      ...counted(event.attributes),
    })),
    droppedEventsCount: 0,
    // A link carries flags of its own in the generations that write them.
    links: span.links.map((link) => ({ ...link, traceState: '', ...counted(link.attributes), flags })),
    droppedLinksCount: 0,
    status: { message: span.status.message ?? '', code: span.status.code },
    flags,
  };
}

const attributesOf = (attributes: Record<string, unknown>): CanonicalAttribute[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValueOf(value) }));

function anyValueOf(value: unknown): CanonicalValue {
  if (Array.isArray(value)) return { array: value.map(anyValueOf) };
  if (typeof value === 'string') return { string: value };
  if (typeof value === 'boolean') return { bool: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { int: BigInt(value) } : { double: value };
  throw new Error(`no attribute of an SDK is of type ${typeof value}`);
}
