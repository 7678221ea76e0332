import { createStore } from '../../ui/src/net/store';

/** A store, and what a listener saw of it. */
function listening<T>(initial: T) {
  const store = createStore<T>(initial);
  const seen: T[] = [];
  return { store, seen, stop: store.subscribe(() => seen.push(store.get())) };
}

test('who listens sees each other value', () => {
  const { store, seen } = listening(1);
  for (const value of [2, 2, 3, 3, 1]) store.set(value);
  expect([store.get(), seen]).toEqual([1, [2, 3, 1]]);
});

test('what is no number is the same one', () => {
  const { store, seen } = listening(Number.NaN);
  store.set(Number.NaN);
  expect(seen).toEqual([]);
});

test('who has stopped hears no more, and others do', () => {
  const { store, seen, stop } = listening('a');
  const others: string[] = [];
  store.subscribe(() => others.push(store.get()));
  stop();
  stop();
  store.set('b');
  expect([seen, others]).toEqual([[], ['b']]);
});

test('a listener may stop itself and call others in', () => {
  const store = createStore(0);
  const heard: string[] = [];
  const stop = store.subscribe(() => {
    heard.push(`first ${store.get()}`);
    stop();
    store.subscribe(() => heard.push(`late ${store.get()}`));
  });
  store.subscribe(() => heard.push(`second ${store.get()}`));
  store.set(1);
  store.set(2);
  expect(heard).toEqual(['first 1', 'second 1', 'second 2', 'late 2']);
});
