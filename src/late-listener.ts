import type { RequestListener } from 'node:http';

export interface LateListener {
  readonly listener: RequestListener;
  listen(listener: RequestListener): void;
}

/** The data directory is taken before there is anybody who could answer questions about it: until then `early` does. */
export function createLateListener(early: RequestListener): LateListener {
  let current = early;
  return {
    listener: (request, response) => current(request, response),
    listen(listener) {
      current = listener;
    },
  };
}
