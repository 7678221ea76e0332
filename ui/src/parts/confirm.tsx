import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Asks before something is done. Escape and "Cancel" leave it; the browser puts the focus back where it was. */
export function Confirm(props: {
  readonly title: string;
  readonly action: string;
  readonly isDangerous: boolean;
  readonly isBusy: boolean;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
  readonly children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" aria-describedby="confirm-text" onClose={props.onCancel}>
      <h2 id="confirm-title">{props.title}</h2>
      <div id="confirm-text">{props.children}</div>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button
          type="button"
          class={props.isDangerous ? 'button danger' : 'button primary'}
          disabled={props.isBusy}
          onClick={props.onConfirm}
        >
          {props.action}
        </button>
      </div>
    </dialog>
  );
}
