// Runs npm from a script: the very npm that started us where there is one, so that the script also works where `npm`
// is not on the PATH or belongs to another Node.
import { spawnSync } from 'node:child_process';

/** Returns what npm printed (empty when the output is inherited); throws when npm fails. */
export function runNpm(args, { cwd, inherit = false } = {}) {
  const own = process.env.npm_execpath;
  const [command, prefix] = own?.endsWith('.js') ? [process.execPath, [own]] : ['npm', []];
  const { status, stdout, error } = spawnSync(command, [...prefix, ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', inherit ? 'inherit' : 'pipe', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}`);
  return stdout ?? '';
}
