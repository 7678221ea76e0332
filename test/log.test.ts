import { endAllBuilt, runScript } from './support/built-gateway';

afterEach(endAllBuilt);

/** The lines that a script with a log prints. */
async function linesOf(script: string, level = 'info') {
  const { stdout, stderr } = await runScript(`
    const { createLog, captureConsole } = require('./dist/log');
    const log = createLog('${level}');
    ${script}`);
  return { lines: stdout.split('\n').filter(Boolean), stderr };
}

test('a line is an object with level, time and msg, and says nothing of the machine', async () => {
  const { lines, stderr } = await linesOf("log.warn({ reason: 'http_503' }, 'delivery failed')");
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 40, time, reason: 'http_503', msg: 'delivery failed' },
  ]);
  expect(stderr).toBe('');
});

test('the level decides what is printed', async () => {
  const { lines } = await linesOf("log.debug('no'); log.info('no'); log.warn('yes'); log.error('yes')", 'warn');
  expect(lines).toHaveLength(2);
  expect((await linesOf("log.fatal('no')", 'silent')).lines).toEqual([]);
});

test.each([
  ['is killed', "process.kill(process.pid, 'SIGKILL')"],
  ['exits', 'process.exit(0)'],
])('a line is out before the next step is taken, also when the process %s', async (_, end) => {
  const { lines } = await linesOf(`for (let line = 1; line <= 3; line++) log.info('line ' + line); ${end}`);
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['line 1', 'line 2', 'line 3']);
});

describe('what libraries print', () => {
  test.each([
    ['debug', 20],
    ['log', 30],
    ['info', 30],
    ['warn', 40],
    ['error', 50],
  ])('console.%s goes through the log, without what objects hold', async (method, level) => {
    const script = `captureConsole(log); console.${method}('words', 1, null, { prompt: 'dear diary' }, ['dear diary'])`;
    const { lines, stderr } = await linesOf(script, 'trace');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level, time: expect.any(String), source: 'console', msg: 'words 1 null Object Array' },
    ]);
    expect(stderr).toBe('');
  });

  test("Node's warnings go through the log too", async () => {
    const { lines, stderr } = await linesOf(
      "captureConsole(log); process.emitWarning('old API', 'DeprecationWarning')",
    );
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 40, source: 'node', name: 'DeprecationWarning', msg: 'old API' },
    ]);
    expect(stderr).toBe('');
  });

  test('an object without a prototype is no reason to fail', async () => {
    const { lines, stderr } = await linesOf("captureConsole(log); console.warn('a', Object.create(null))");
    expect([lines.length, stderr]).toEqual([1, '']);
  });

  test('an error is named, not quoted: its text may be what somebody wrote', async () => {
    const { lines } = await linesOf("captureConsole(log); console.error(new TypeError('dear diary'))");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['TypeError']);
  });
});
