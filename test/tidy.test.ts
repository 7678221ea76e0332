import { codeOf, functionsOf, importsOf, resolveImport, type Source, sourcesBelow } from './support/sources';

const SRC = sourcesBelow('src');
/** What is shipped: the gateway and the inspector's page. */
const SHIPPED = [...SRC, ...sourcesBelow('ui/src')];
const TESTS = sourcesBelow('test').filter(({ path }) => !path.startsWith('test/clients/'));

const FILE_LINES_MAX = 250;
const FUNCTION_LINES_MAX = 70;

/** The folder of `src/otlp/scan.ts` is `otlp`; of a file beside the rooms it is the file, `errors.ts`. */
const roomOf = (path: string) => path.split('/')[1] as string;
const inRooms = SRC.filter(({ path }) => path.split('/').length > 2);

describe('size', () => {
  test(`no file has more than ${FILE_LINES_MAX} lines`, () => {
    const long = SHIPPED.map(({ path, text }) => [path, text.trimEnd().split('\n').length] as const);
    expect(long.filter(([, lines]) => lines > FILE_LINES_MAX)).toEqual([]);
  });

  test(`no function has more than ${FUNCTION_LINES_MAX} lines`, () => {
    const long = SHIPPED.flatMap((source) => functionsOf(source).map((one) => ({ path: source.path, ...one })));
    expect(long.length).toBeGreaterThan(300);
    expect(long.filter(({ lines }) => lines > FUNCTION_LINES_MAX)).toEqual([]);
  });
});

/** Which other rooms, and files beside them, a room may know. `errors.ts` is for all. */
const ARROWS: Record<string, { imports: string[]; types?: string[] }> = {
  otlp: { imports: [] },
  queue: { imports: [] },
  'dead-letters': { imports: ['queue'] },
  langfuse: { imports: ['otlp'] },
  admission: { imports: ['otlp', 'langfuse'] },
  receiver: { imports: ['otlp', 'admission'] },
  delivery: { imports: ['otlp', 'langfuse', 'sampler.ts'], types: ['queue', 'dead-letters', 'config.ts'] },
  admin: { imports: [], types: ['delivery', 'queue', 'ledger.ts', 'inspector', 'dead-letter-desk.ts'] },
  inspector: {
    imports: ['otlp', 'langfuse', 'admission'],
    types: ['judgement.ts', 'receiver', 'delivery', 'dead-letters', 'ledger.ts', 'admin'],
  },
  config: { imports: ['admission', 'langfuse'] },
  commands: {
    imports: [
      'gateway.ts',
      'judge.ts',
      'config.ts',
      'log.ts',
      'data-directory.ts',
      'dead-letter-keeper.ts',
      'owner-client.ts',
      'dead-letters',
      'admission',
      'langfuse',
      'otlp',
      'receiver',
    ],
    types: ['judgement.ts'],
  },
};

describe('arrows', () => {
  test('every room has its arrows', () => {
    expect([...new Set(inRooms.map(({ path }) => roomOf(path)))].sort()).toEqual(Object.keys(ARROWS).sort());
  });

  test.each(Object.entries(ARROWS))('%s knows no other room than it may', (room, { imports, types = [] }) => {
    const own = SRC.filter(({ path }) => path.startsWith(`src/${room}/`));
    const known = own.flatMap((source) =>
      importsOf(source)
        .filter(({ from }) => from.startsWith('.'))
        .map((one) => ({ by: source.path, room: roomOf(resolveImport(source, one)), typeOnly: one.typeOnly })),
    );
    const may = (one: (typeof known)[number]) =>
      [room, 'errors.ts', ...imports, ...(one.typeOnly ? types : [])].includes(one.room);
    expect(known.filter((one) => !may(one))).toEqual([]);
  });

  test('nobody knows main, and the gateway is known to commands alone', () => {
    const known = SRC.flatMap((source) =>
      importsOf(source)
        .filter(({ from }) => from.startsWith('.'))
        .map((one) => ({ by: source.path, file: resolveImport(source, one) })),
    );
    expect(known.filter(({ file }) => file === 'src/main.ts')).toEqual([]);
    expect(known.filter(({ by, file }) => file === 'src/gateway.ts' && !by.startsWith('src/commands/'))).toEqual([]);
    const knows = (by: string) => by === 'src/main.ts' || by.startsWith('src/commands/');
    expect(known.filter(({ by, file }) => file.startsWith('src/commands/') && !knows(by))).toEqual([]);
  });

  test('no import leads back to where it came from', () => {
    const edges = new Map(
      SRC.map((source) => [
        source.path,
        importsOf(source)
          .filter(({ from, typeOnly }) => from.startsWith('.') && !typeOnly)
          .map((one) => resolveImport(source, one)),
      ]),
    );
    expect(
      SRC.filter(({ path }) => reachableFrom(edges.get(path) ?? [], edges).has(path)).map(({ path }) => path),
    ).toEqual([]);
  });

  function reachableFrom(start: readonly string[], edges: ReadonlyMap<string, readonly string[]>): Set<string> {
    const reached = new Set(start);
    for (const path of reached) for (const next of edges.get(path) ?? []) reached.add(next);
    return reached;
  }
});

/** Who may import a library: files, or rooms by a slash at the end. `types` may know of its types only. */
const OWNERS: Record<string, { values: string[]; types?: string[] }> = {
  express: { values: ['receiver/server.ts', 'admin/server.ts', 'admin/page.ts'], types: ['admin/'] },
  'raw-body': { values: ['receiver/body.ts'] },
  zstddec: { values: ['receiver/zstd-wasm.ts'] },
  protobufjs: { values: ['otlp/'] },
  '@langfuse/otel': { values: ['delivery/processor.ts'] },
  '@langfuse/core': { values: ['delivery/'] },
  undici: { values: ['delivery/http-client.ts'] },
  'prom-client': { values: ['admin/'] },
  pino: { values: ['log.ts'], types: [''] },
  zod: { values: ['config/kinds.ts'] },
  yaml: { values: ['config/yaml.ts'] },
  '@opentelemetry/api': { values: ['otlp/', 'langfuse/'] },
  '@opentelemetry/otlp-transformer': { values: ['commands/otlp-json.ts'] },
  '@opentelemetry/core': { values: ['delivery/'], types: ['otlp/'] },
  '@opentelemetry/resources': { values: ['otlp/resource-view.ts'], types: ['otlp/'] },
  '@opentelemetry/sdk-trace-base': { values: [], types: ['otlp/', 'langfuse/', 'delivery/'] },
};

describe('libraries', () => {
  const imported = SRC.flatMap((source) =>
    importsOf(source)
      .filter(({ from }) => !from.startsWith('.') && !from.startsWith('node:'))
      .map(({ from, typeOnly }) => ({ library: libraryOf(from), by: source.path.slice('src/'.length), typeOnly })),
  );

  test('each has its owner, and only the owner uses it', () => {
    const owns = (owners: readonly string[], file: string) =>
      owners.some((owner) => owner === '' || owner === file || (owner.endsWith('/') && file.startsWith(owner)));
    const strangers = imported.filter(({ library, by, typeOnly }) => {
      const { values, types = [] } = OWNERS[library] ?? { values: [] };
      return !owns(typeOnly ? [...values, ...types] : values, by);
    });
    expect(strangers).toEqual([]);
  });

  test('each owner uses it', () => {
    expect([...new Set(imported.map(({ library }) => library))].sort()).toEqual(Object.keys(OWNERS).sort());
  });

  /** `protobufjs/minimal` is of protobufjs, `@langfuse/otel` of itself. */
  function libraryOf(from: string): string {
    return from.split('/', from.startsWith('@') ? 2 : 1).join('/');
  }
});

/** Words of the code and the only files that may say them; `pure` rooms may say none. */
const WORDS: [what: string, word: RegExp, owners: string[]][] = [
  ['process.env', /\bprocess\.env\b/, ['src/config.ts']],
  ['process.exit', /\bprocess\.exit(?:Code)?\b/, ['src/main.ts']],
  ['console', /\bconsole\s*\./, []],
  ['any', /(?:\bas\s+|[<|&]\s*)any\b|:\s*any\s*[;,)=|&>[]|\bany\s*(?:\[\]|>)/, []],
  ['an ignored error of the compiler', /@ts-(?:ignore|nocheck|expect-error)/, []],
  ['work that is left', /\b(?:TODO|FIXME|XXX)\b/, []],
];
const PURE_ROOMS = ['otlp', 'admission', 'langfuse'];
const IMPURE =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bMath\.random\b|\brandom(?:Bytes|UUID|Int|Fill)|\bset(?:Timeout|Interval|Immediate)\b|\bfetch\(|\bprocess\./;

describe('words', () => {
  test.each(WORDS)('%s is said by its owner only', (what, word, owners) => {
    const textOf = ({ text }: Source) => (what.includes(' ') ? text : codeOf(text));
    expect(SHIPPED.filter((source) => word.test(textOf(source))).map(({ path }) => path)).toEqual(owners);
  });

  test.each([...PURE_ROOMS, 'queue', 'dead-letters'])('%s asks no clock, no chance and no network', (room) => {
    const own = SRC.filter(({ path }) => path.startsWith(`src/${room}/`));
    expect(own.filter(({ text }) => IMPURE.test(codeOf(text))).map(({ path }) => path)).toEqual([]);
  });

  test.each(PURE_ROOMS)('%s does no I/O', (room) => {
    // Of node:crypto nothing that is random.
    const harmless = ['node:buffer', 'node:path', 'node:util', 'node:crypto'];
    const node = SRC.filter(({ path }) => path.startsWith(`src/${room}/`)).flatMap((source) =>
      importsOf(source).filter(({ from }) => from.startsWith('node:') && !harmless.includes(from)),
    );
    expect(node).toEqual([]);
  });

  test('no test is left out or runs alone', () => {
    const word = /\b(?:test|it|describe)\.(?:only|skip|todo|failing)\b|\b(?:x|f)(?:it|test|describe)\(/;
    expect(TESTS.filter(({ text }) => word.test(codeOf(text))).map(({ path }) => path)).toEqual([]);
  });
});
