import { Readable, Writable } from 'node:stream';
import { explain } from '../../src/commands/explain';
import type { Observation } from '../../src/langfuse/observation/observation';

export interface Explanation {
  observations: Observation[];
  rejected: { index: number; reason: string }[];
}

interface Run {
  code: number;
  out: string;
  err: string;
}

interface RunOptions {
  json?: boolean;
  env?: Record<string, string>;
  configFile?: string;
}

/** Explains a body from standard input. */
export async function run(body: Buffer | string, { json = true, env = {}, configFile }: RunOptions = {}): Promise<Run> {
  const ended = { out: '', err: '' };
  const out = new Writable({
    decodeStrings: false,
    write(chunk: string, _, done) {
      ended.out += chunk;
      done();
    },
  });
  const code = await explain(
    { file: '-', json },
    {
      ...{ env, stdin: Readable.from([Buffer.from(body as string)]), out, now: () => Date.UTC(2026, 0, 1) },
      ...(configFile === undefined ? {} : { configFile }),
      err: (text) => {
        ended.err += text;
      },
    },
  );
  return { code, ...ended };
}

/** What `--json` prints of a body that can be read. */
export async function explained(body: Buffer | string, options: RunOptions = {}): Promise<Explanation> {
  const { code, out, err } = await run(body, options);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as Explanation;
}

type Given = string | number | boolean | readonly Given[] | { kvlist: Record<string, Given> };
type GivenAttributes = Record<string, Given>;

/** A span to be explained; what is not given is plain. */
export interface GivenSpan {
  name?: string;
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
  attributes?: GivenAttributes;
  resource?: GivenAttributes;
  scope?: { name: string; version?: string; attributes?: GivenAttributes };
  events?: readonly { name: string; attributes: GivenAttributes }[];
  status?: { code: number; message?: string };
  /** Any other field of the span. */
  fields?: Record<string, unknown>;
}

/** 2023-11-14T22:13:20.000Z and two seconds later. */
const START_NS = '1700000000000000000';
const END_NS = '1700000002000000000';

const TRACE_ID = '5b8efff798038103d269b633813fc60c';

/** An ExportTraceServiceRequest under its JSON names, with a ResourceSpans for each span. */
export function requestOf(...spans: readonly GivenSpan[]) {
  return { resourceSpans: spans.map(resourceSpans) };
}

export const jsonOf = (...spans: readonly GivenSpan[]) => JSON.stringify(requestOf(...spans));

function resourceSpans({ resource = {}, scope, attributes = {}, events = [], ...span }: GivenSpan, index: number) {
  const { fields, ...named } = span;
  const message = {
    ...{ traceId: TRACE_ID, spanId: (index + 1).toString(16).padStart(16, '0'), name: 'a span' },
    ...{ startTimeUnixNano: START_NS, endTimeUnixNano: END_NS, ...named, attributes: keyValues(attributes) },
    events: events.map((event) => ({ name: event.name, attributes: keyValues(event.attributes) })),
    ...fields,
  };
  const scopeMessage =
    scope === undefined ? { name: 'lib' } : { ...scope, attributes: keyValues(scope.attributes ?? {}) };
  return {
    resource: { attributes: keyValues(resource) },
    scopeSpans: [{ scope: scopeMessage, spans: [message] }],
  };
}

const keyValues = (attributes: GivenAttributes) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

function anyValue(value: Given): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if ('kvlist' in value) return { kvlistValue: { values: keyValues(value.kvlist) } };
  return { arrayValue: { values: value.map(anyValue) } };
}

export type Row = readonly [row: string, span: GivenSpan, expected: Partial<Observation>];

/** Each row through the whole command: the body of a request in, an observation out. */
export function explainsRows(rows: readonly Row[]): void {
  test.each(rows)('%s', async (_, span, expected) => {
    const { observations, rejected } = await explained(jsonOf(span));
    expect(rejected).toEqual([]);
    expect(observations).toHaveLength(1);
    const [observation] = observations as unknown as [Record<string, unknown>];
    // Not toMatchObject: of metadata and usage all is to be seen, what should not be there as well.
    expect(Object.fromEntries(Object.keys(expected).map((field) => [field, observation[field]]))).toEqual(expected);
  });
}

/** A span of attributes alone, for tables. */
export const having = (attributes: GivenAttributes, rest: GivenSpan = {}): GivenSpan => ({ ...rest, attributes });
