import { useEffect, useState } from 'preact/hooks';
import type { Store } from './store';

export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useState<T>(store.get());
  useEffect(() => {
    const follow = () => redraw(store.get());
    // It may have changed between drawing and now.
    follow();
    return store.subscribe(follow);
  }, [store]);
  return store.get();
}
