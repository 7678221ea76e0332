import pino, { type Logger } from 'pino';

/** JSON lines on stdout, each with a readable `msg`. */
export function createLog(level: string): Logger {
  // Written at once: the last lines before an end are the ones that are needed.
  return pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 1, sync: true }),
  );
}

/**
 * Sends what libraries write to the console, and Node's own warnings, through the log: a program that writes JSON lines
 * must not have other lines among them. For the process as a whole, so only for whoever owns it.
 */
export function captureConsole(log: Logger): void {
  const levels = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' } as const;
  for (const [method, level] of Object.entries(levels) as [
    keyof typeof levels,
    (typeof levels)[keyof typeof levels],
  ][]) {
    globalThis.console[method] = (...words: unknown[]) =>
      log[level]({ source: 'console' }, words.map(textOf).join(' '));
  }
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ source: 'node', name: warning.name }, warning.message));
}

/** Objects stay out: they may hold what people wrote. */
function textOf(word: unknown): string {
  if (typeof word !== 'object' || word === null) return String(word);
  return (Object.getPrototypeOf(word) as object | null)?.constructor.name ?? 'Object';
}
