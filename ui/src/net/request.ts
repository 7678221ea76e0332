import { reportReach } from './reach';

/** What went wrong with a request, in words for who looks at the page. */
export class RequestError extends Error {
  readonly status: number | null;

  constructor(status: number | null, message: string) {
    super(message);
    this.status = status;
  }
}

/** For a place of the page. That the gateway does not answer at all is said once, by the banner, and tried again. */
export function problemOf(error: unknown): string | null {
  if (error instanceof RequestError && error.status === null) return null;
  return error instanceof Error ? error.message : String(error);
}

const WANTS_TOKEN =
  'The gateway wants its admin token (GATEWAY_ADMIN_TOKEN): reload the page and sign in, with the token as the password.';

function wordsFor(status: number, problem: string | null): string {
  if (status === 401) return WANTS_TOKEN;
  if (status === 403) return `The gateway refuses this page (403)${problem === null ? '' : `: ${problem}`}.`;
  return problem ?? `The gateway answers ${status}.`;
}

export function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return request(path, { signal: signal ?? null }) as Promise<T>;
}

/** What changes something says that it is JSON: no page of another origin can say so without being asked first. */
export function send<T>(method: 'POST' | 'DELETE', path: string): Promise<T> {
  const headers = { 'Content-Type': 'application/json' };
  return request(path, { method, headers, ...(method === 'POST' && { body: '{}' }) }) as Promise<T>;
}

async function request(path: string, init: RequestInit): Promise<unknown> {
  const { status, isOk, body } = await answerOf(path, init);
  if (isOk && body !== undefined) return body;
  if (isOk) throw new RequestError(status, 'The gateway answers something that is no JSON.');
  throw new RequestError(status, wordsFor(status, problemIn(body)));
}

/** `body` is undefined where it is no JSON. */
async function answerOf(path: string, init: RequestInit): Promise<{ status: number; isOk: boolean; body: unknown }> {
  try {
    const response = await fetch(path.replace(/^\//, ''), init);
    const text = await response.text();
    reportReach(true);
    return { status: response.status, isOk: response.ok, body: jsonIn(text) };
  } catch (error) {
    if (init.signal?.aborted) throw error;
    reportReach(false);
    throw new RequestError(null, 'The gateway does not answer.');
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemIn(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null;
  const { problem, error } = body as { problem?: unknown; error?: unknown };
  return [problem, error].find((text): text is string => typeof text === 'string') ?? null;
}
