import { useState } from 'preact/hooks';
import { counted } from '../text/format';
import { JsonTree } from './json-tree';
import { Image, LongText } from './long-text';
import type { Message, Part } from './messages';

const MESSAGES_SHOWN = 50;
const TEXT_SHOWN = 8_000;

function Folded({ word, name, id, value }: { word: string; name: string | null; id: string | null; value: unknown }) {
  return (
    <details>
      <summary>
        <span class="part-kind">{word}</span> <strong>{name}</strong>
        {id !== null && <small class="muted cut">{id}</small>}
      </summary>
      <JsonTree value={value} />
    </details>
  );
}

function PartView({ part, role }: { part: Part; role: string }) {
  switch (part.kind) {
    case 'text':
      return <LongText text={part.text} first={TEXT_SHOWN} />;
    case 'thinking':
      return (
        <details>
          <summary>
            <span class="part-kind">reasoning</span>
          </summary>
          <LongText text={part.text} first={TEXT_SHOWN} />
        </details>
      );
    case 'image':
      return <Image source={part.source} alt={`Image of the ${role} message`} />;
    case 'file':
      return (
        <div>
          <span class="part-kind">file, {part.mediaType}</span> <LongText text={part.data} first={120} />
        </div>
      );
    case 'call':
      return <Folded word="tool call" name={part.name} id={part.id} value={part.input} />;
    case 'result':
      return <Folded word="tool result" name={part.name} id={part.id} value={part.output} />;
    case 'other':
      return <JsonTree value={part.value} />;
  }
}

function MessageView({ message }: { message: Message }) {
  const { role, name, parts } = message;
  return (
    <li class="message" data-role={role}>
      <p class="message-role">
        {role}
        {name !== null && <span class="muted"> {name}</span>}
      </p>
      <div class="message-parts">
        {parts.length === 0 && <span class="muted">empty</span>}
        {parts.map((part, index) => (
          <PartView key={index} part={part} role={role} />
        ))}
      </div>
    </li>
  );
}

/** Of a long chat the beginning and the end say most. */
export function Chat({ messages }: { messages: readonly Message[] }) {
  const [isWhole, setWhole] = useState(messages.length <= MESSAGES_SHOWN);
  const half = MESSAGES_SHOWN / 2;
  const head = isWhole ? messages : messages.slice(0, half);
  const tail = isWhole ? [] : messages.slice(-half);
  return (
    <ol class="chat">
      {head.map((message, index) => (
        <MessageView key={index} message={message} />
      ))}
      {!isWhole && (
        <li key="more">
          <button type="button" class="button more" onClick={() => setWhole(true)}>
            Show {counted(messages.length - MESSAGES_SHOWN, 'more message')}
          </button>
        </li>
      )}
      {tail.map((message, index) => (
        <MessageView key={messages.length - half + index} message={message} />
      ))}
    </ol>
  );
}
