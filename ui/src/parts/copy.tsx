import { useEffect, useRef, useState } from 'preact/hooks';
import { CopyIcon, DoneIcon } from './icons';

const SHOWN_MS = 1_800;

/** Where the clipboard is not to be had (no HTTPS, no permission) the text is selected, for the keys to copy it. */
async function copy(text: string, shown: HTMLElement | null): Promise<'copied' | 'selected'> {
  try {
    await navigator.clipboard.writeText(text);
    return 'copied';
  } catch {
    if (shown !== null) getSelection()?.selectAllChildren(shown);
    return 'selected';
  }
}

const SAID = { copied: 'Copied', selected: 'Selected: copy it with the keyboard' };

/** `shown` gives the element that shows the text. */
export function CopyButton({ text, what, shown }: { text: string; what: string; shown?: () => HTMLElement | null }) {
  const [done, setDone] = useState<'copied' | 'selected' | null>(null);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const onClick = async () => {
    setDone(await copy(text, shown?.() ?? null));
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setDone(null), SHOWN_MS);
  };
  return (
    <span class="copy">
      <button type="button" class="icon-button" aria-label={`Copy ${what}`} title={`Copy ${what}`} onClick={onClick}>
        {done === 'copied' ? <DoneIcon /> : <CopyIcon />}
      </button>
      <span class={done === 'selected' ? 'copy-said' : 'visually-hidden'} role="status">
        {done === null ? '' : SAID[done]}
      </span>
    </span>
  );
}

/** A line to be pasted into a terminal. */
export function Snippet({ text, what }: { text: string; what: string }) {
  const code = useRef<HTMLElement>(null);
  return (
    <div class="snippet">
      <pre>
        <code ref={code}>{text}</code>
      </pre>
      <CopyButton text={text} what={what} shown={() => code.current} />
    </div>
  );
}
