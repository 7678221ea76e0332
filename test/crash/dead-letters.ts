import { runBuilt } from '../support/built-gateway';

/** What `dead-letters list --json` prints of each, as far as tests look at it. */
export interface DeadLetter {
  id: string;
  destination: string;
  reason: string;
  spans: { traceId: string; spanId: string }[];
}

/** The dead letters in a data directory, whether a gateway has it or not. Throws when the command fails. */
export async function listDeadLetters(dataDir: string): Promise<DeadLetter[]> {
  const ended = await runBuilt(['dead-letters', 'list', '--json'], { GATEWAY_DATA_DIR: dataDir });
  if (ended.code !== 0) throw new Error(`dead-letters list ended with ${ended.code}: ${ended.stdout}${ended.stderr}`);
  return JSON.parse(ended.stdout) as DeadLetter[];
}
