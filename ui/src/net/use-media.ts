import { useEffect, useState } from 'preact/hooks';

/** Below this a list is made of cards, and the detail lies over the tree. The style sheets use the same width. */
export const NARROW = '(max-width: 820px)';

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const follow = () => setMatches(list.matches);
    follow();
    list.addEventListener('change', follow);
    return () => list.removeEventListener('change', follow);
  }, [query]);
  return matches;
}
