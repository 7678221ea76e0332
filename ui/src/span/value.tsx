import { useMemo, useState } from 'preact/hooks';
import { CopyButton } from '../parts/copy';
import { bytes } from '../text/format';
import { Chat } from './chat';
import { JsonTree } from './json-tree';
import { Image, LongText } from './long-text';
import { type Message, messagesOf } from './messages';
import { isImageUri } from './texts';

const RAW_FIRST = 20_000;
const NOT_KEPT = 'not kept: inspector: metadata (inspector: full keeps them)';

type Reading =
  | { readonly kind: 'chat'; readonly messages: readonly Message[] }
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'image' }
  | { readonly kind: 'text' };

function readingOf(text: string): Reading {
  if (isImageUri(text)) return { kind: 'image' };
  if (!/^\s*[[{"]/.test(text)) return { kind: 'text' };
  try {
    const value: unknown = JSON.parse(text);
    const messages = messagesOf(value);
    return messages === null ? { kind: 'json', value } : { kind: 'chat', messages };
  } catch {
    return { kind: 'text' };
  }
}

function Pretty({ text, reading }: { text: string; reading: Reading }) {
  if (reading.kind === 'chat') return <Chat messages={reading.messages} />;
  if (reading.kind === 'json') return <JsonTree value={reading.value} />;
  if (reading.kind === 'image') return <Image source={text} alt="Image of the observation" />;
  return <Raw text={text} />;
}

function Raw({ text }: { text: string }) {
  return (
    <div class="raw">
      <LongText text={text} first={RAW_FIRST} />
    </div>
  );
}

export function ValueSection({
  id,
  title,
  text,
  isFull,
}: {
  id: string;
  title: string;
  text: string | null;
  isFull: boolean;
}) {
  const [isRaw, setRaw] = useState(false);
  const reading = useMemo(() => readingOf(text ?? ''), [text]);
  return (
    <section class="value" aria-labelledby={id}>
      <div class="value-head">
        <h3 id={id}>{title}</h3>
        {text !== null && (
          <>
            <span class="note">{bytes(text.length)}</span>
            {reading.kind !== 'text' && (
              <button type="button" class="button" aria-pressed={isRaw} onClick={() => setRaw(!isRaw)}>
                Raw<span class="visually-hidden"> {title.toLowerCase()}</span>
              </button>
            )}
            <CopyButton text={text} what={`the ${title.toLowerCase()}`} />
          </>
        )}
      </div>
      {text === null && <p class="muted">{isFull ? 'none' : NOT_KEPT}</p>}
      {text !== null && (isRaw ? <Raw text={text} /> : <Pretty text={text} reading={reading} />)}
    </section>
  );
}
