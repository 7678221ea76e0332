import type { RequestListener } from 'node:http';

export interface LateListener {
  readonly listener: RequestListener;
  listen(listener: RequestListener): void;
}

/** The data directory is taken before there is anybody who could answer questions about it. */
export function createLateListener(): LateListener {
  let current: RequestListener = (_request, response) => {
    response.writeHead(409, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ problem: 'the gateway keeps no dead letters, or is starting; try again' }));
  };
  return {
    listener: (request, response) => current(request, response),
    listen(listener) {
      current = listener;
    },
  };
}
