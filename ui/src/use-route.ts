import { useEffect, useState } from 'preact/hooks';
import { parseRoute, type Route } from './route';

/** The list of traces with the filters it was left with. */
let lastTraces = '#/traces';

export const lastTracesHref = (): string => lastTraces;

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  if (/^#\/traces(\?|$)/.test(hash)) lastTraces = hash;
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return parseRoute(hash);
}
