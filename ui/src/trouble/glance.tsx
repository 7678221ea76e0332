import type { Trouble } from '../../../src/inspector/api';
import { compact } from '../text/format';

/** All kinds at a glance; each leads to its section. The hash is where the page is, so these are no links. */
export function Glance({ trouble, deadLetters }: { trouble: Trouble; deadLetters: number }) {
  const kinds = [
    ['dead-letters', 'Dead letters', deadLetters],
    ['rejections', 'Rejected spans', trouble.rejections.total],
    ['refusals', 'Refused requests', trouble.refusals.reduce((sum, { requests }) => sum + requests, 0)],
    ['orphans', 'Missing parents', trouble.orphans.total],
    ['warnings', 'Warnings', trouble.warnings.length],
  ] as const;
  const show = (id: string) => {
    const heading = document.getElementById(id);
    heading?.scrollIntoView();
    heading?.focus();
  };
  return (
    <ul class="glance" aria-label="Kinds of trouble">
      {kinds.map(([id, title, count]) => (
        <li key={id}>
          <button type="button" class="button" data-count={count} onClick={() => show(id)}>
            {title} <strong>{compact(count)}</strong>
          </button>
        </li>
      ))}
    </ul>
  );
}
