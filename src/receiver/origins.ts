/** Which origins a list allows, and how: by name, or by `*` alone. */
export type OriginMatch = 'named' | 'any' | undefined;

/**
 * Compares the `Origin` of a request with a list as in GATEWAY_CORS_ORIGINS: exact origins, `https://*.example.com`,
 * `null`, and `*` for any.
 */
export function createOriginMatcher(origins: readonly string[]): (origin: string) => OriginMatch {
  const byDefault = origins.includes('*') ? 'any' : undefined;
  const patterns = [...new Set(origins)].filter((origin) => origin !== '*').map(originPattern);
  return (origin) => (patterns.some((pattern) => pattern.test(origin)) ? 'named' : byDefault);
}

/** `https://*.example.com` stands for any subdomain, of any depth, but not for the domain itself. */
function originPattern(origin: string): RegExp {
  const escaped = origin.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace('*', '[a-z0-9_-]+(?:\\.[a-z0-9_-]+)*');
  return new RegExp(`^${escaped}$`, 'i');
}
