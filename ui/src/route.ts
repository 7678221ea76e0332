export type Route =
  | { readonly page: 'overview' }
  | { readonly page: 'traces'; readonly filter: TraceFilter }
  | { readonly page: 'trace'; readonly traceId: string; readonly spanId: string | null }
  | { readonly page: 'trouble' }
  | { readonly page: 'unknown' };

export interface TraceFilter {
  readonly text: string;
  readonly service: string;
  readonly session: string;
  readonly user: string;
  readonly type: string;
  readonly warnings: boolean;
  readonly rejected: boolean;
}

export const NO_FILTER: TraceFilter = {
  text: '',
  service: '',
  session: '',
  user: '',
  type: '',
  warnings: false,
  rejected: false,
};

const TEXT_FIELDS = ['text', 'service', 'session', 'user', 'type'] as const;
const FLAG_FIELDS = ['warnings', 'rejected'] as const;

export function parseRoute(hash: string): Route {
  const [path = ''] = hash.replace(/^#\/?/, '').split('?', 1);
  const query = hash.includes('?') ? hash.slice(hash.indexOf('?') + 1) : '';
  const [place = '', traceId, spanId, more] = path.split('/').map(decoded);
  if (more !== undefined) return { page: 'unknown' };
  if (place === '') return { page: 'overview' };
  if (place === 'trouble' && !traceId) return { page: 'trouble' };
  if (place !== 'traces') return { page: 'unknown' };
  if (traceId) return { page: 'trace', traceId, spanId: spanId || null };
  return { page: 'traces', filter: filterOf(new URLSearchParams(query)) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function filterOf(query: URLSearchParams): TraceFilter {
  return {
    ...NO_FILTER,
    ...Object.fromEntries(TEXT_FIELDS.map((field) => [field, query.get(field) ?? ''])),
    ...Object.fromEntries(FLAG_FIELDS.map((field) => [field, query.get(field) === 'true'])),
  };
}

/** The query of the filter, for the hash as for the API. */
export function filterQuery(filter: TraceFilter): URLSearchParams {
  const query = new URLSearchParams();
  for (const field of TEXT_FIELDS) if (filter[field] !== '') query.set(field, filter[field]);
  for (const field of FLAG_FIELDS) if (filter[field]) query.set(field, 'true');
  return query;
}

export function tracesHref(filter: Partial<TraceFilter> = {}): string {
  const query = filterQuery({ ...NO_FILTER, ...filter }).toString();
  return query === '' ? '#/traces' : `#/traces?${query}`;
}

export function traceHref(traceId: string, spanId?: string | null): string {
  const path = `#/traces/${encodeURIComponent(traceId)}`;
  return spanId ? `${path}/${encodeURIComponent(spanId)}` : path;
}

/** A change of filters is no step of its own: the back button leads to the page before. */
export function replaceRoute(href: string): void {
  if (location.hash === href || (location.hash === '' && href === '#/')) return;
  history.replaceState(null, '', href);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export const go = (href: string): void => {
  location.hash = href;
};
