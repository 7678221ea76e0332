import type { Request } from 'express';

/** What is asked for behind the question mark, as far as it is one text each. */
export function textIn({ query }: Request, name: string): string | undefined {
  const value = query[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Of a trace or a span, in hex of either case; or a time. */
export const idIn = (request: Request, name: string) => {
  const text = textIn(request, name);
  return text !== undefined && /^[0-9a-f]+$/i.test(text) ? text.toLowerCase() : text;
};

/** A whole number above zero, cut to `max`; anything else counts as `usual`. */
export function limitIn(request: Request, { usual, max }: { usual: number; max: number }): number {
  const asked = Number(textIn(request, 'limit') ?? usual);
  return Number.isSafeInteger(asked) && asked > 0 ? Math.min(asked, max) : usual;
}

export const isAsked = (request: Request, name: string) => textIn(request, name) === 'true';
