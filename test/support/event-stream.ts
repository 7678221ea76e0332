import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { TracesEvent } from '../../src/inspector/api';
import { eventually } from './eventually';

export interface EventStream {
  readonly answer: IncomingMessage;
  /** All that came so far. */
  text(): string;
  /** Resolves when there are so many; what is no event is passed over. */
  events(count: number): Promise<TracesEvent[]>;
  readonly closed: Promise<unknown>;
  close(): void;
}

/** Listens to `/api/events`. */
export async function listenTo(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
  const outgoing = request(`${url}/api/events`, { headers }).end();
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  answer.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  // Cut off in the middle is an end like another.
  answer.on('error', () => {});
  const closed = new Promise((resolve) => answer.once('close', resolve));
  const events = () =>
    [...text.matchAll(/^event: traces\ndata: (.*)\n\n/gm)].map(([, data]) => JSON.parse(data!) as TracesEvent);
  return {
    ...{ answer, closed, text: () => text, close: () => outgoing.destroy() },
    async events(count) {
      await eventually(() => expect(events().length).toBeGreaterThanOrEqual(count));
      return events();
    },
  };
}
