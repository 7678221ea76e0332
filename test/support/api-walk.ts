import type { TraceList, TraceTree } from '../../src/inspector/api';
import { ask } from './admin';

/** Every answer of the API about what came, by its path; of the traces the newest 500. */
export async function everyAnswer(adminUrl: string): Promise<ReadonlyMap<string, string>> {
  const answers = new Map<string, string>();
  const look = async <Body>(path: string): Promise<Body> => {
    const { status, body } = await ask(adminUrl, path);
    expect([path, status]).toEqual([path, 200]);
    answers.set(path, typeof body === 'string' ? body : JSON.stringify(body));
    return body as Body;
  };
  for (const path of ['/', '/readyz', '/metrics', '/api', '/api/overview', '/api/trouble', '/api/dead-letters']) {
    await look(path);
  }
  const { traces } = await look<TraceList>('/api/traces?limit=500');
  await look('/api/traces?rejected=true');
  for (const { traceId } of traces) {
    await look(`/api/traces/${traceId}`);
    const { rows } = await look<TraceTree>(`/api/traces/${traceId}/tree`);
    for (const { spanId } of rows) await look(`/api/traces/${traceId}/spans/${spanId}`);
  }
  return answers;
}
