import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { DeadLetterList, DeadLetterView } from '../../../src/inspector/api';
import { getJson, problemOf } from '../net/request';

const PAGE = 20;

interface Letters {
  readonly letters: readonly DeadLetterView[];
  readonly total: number;
  readonly bytes: number;
  readonly next: string | null;
}

/** Read again whenever `total` is another one, in pages as many as are shown. */
export function useDeadLetters(total: number | null) {
  const [list, setList] = useState<Letters | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const pages = useRef(1);
  const run = useRef(0);
  const load = useCallback(async () => {
    run.current += 1;
    const mine = run.current;
    try {
      const read = await readPages(pages.current);
      if (run.current !== mine) return;
      setList(read);
      setProblem(null);
    } catch (error) {
      if (run.current === mine) setProblem(problemOf(error));
    }
  }, []);
  useEffect(() => void load(), [total]);
  const loadMore = () => {
    pages.current += 1;
    void load();
  };
  return { list, problem, reload: load, loadMore };
}

async function readPages(count: number): Promise<Letters> {
  const letters: DeadLetterView[] = [];
  let page: DeadLetterList | null = null;
  for (let read = 0; read < count && (page === null || page.next !== null); read += 1) {
    const before: string = page?.next ? `&before=${encodeURIComponent(page.next)}` : '';
    page = await getJson<DeadLetterList>(`/api/dead-letters?limit=${PAGE}${before}`);
    letters.push(...page.deadLetters);
  }
  return { letters, total: page?.total ?? 0, bytes: page?.bytes ?? 0, next: page?.next ?? null };
}
