import { useMemo, useState } from 'preact/hooks';
import { bytes, grouped } from '../text/format';
import { cutAt, indentJson, isImageUri, piecesOf } from './texts';

const FIRST = 2_000;
const STEP = 100_000;

/** Media that Langfuse holds are a mark, everything else is text. */
function Pieces({ text }: { text: string }) {
  const pieces = useMemo(() => piecesOf(text), [text]);
  return (
    <>
      {pieces.map(({ text: piece, media }, index) =>
        media === null ? (
          piece
        ) : (
          <span key={index} class="media-chip" title={piece}>
            media, in Langfuse <small>{media.type}</small>
          </span>
        ),
      )}
    </>
  );
}

function More({ shown, whole, onMore }: { shown: number; whole: number; onMore: () => void }) {
  const isRest = whole - shown <= STEP;
  return (
    <button type="button" class="button more" onClick={onMore}>
      {isRest ? `Show all ${grouped(whole)} characters` : `Show ${grouped(STEP)} more of ${grouped(whole)} characters`}
    </button>
  );
}

const nextStep = (shown: number, whole: number): number => (whole - shown <= STEP ? whole : shown + STEP);

/** Long texts are drawn piece by piece: several megabytes at once would stop the page. */
export function LongText({ text, first = FIRST }: { text: string; first?: number }) {
  const [shown, setShown] = useState(first);
  return (
    <span class="long-text">
      <Pieces text={cutAt(text, shown)} />
      {text.length > shown && (
        <More shown={shown} whole={text.length} onMore={() => setShown(nextStep(shown, text.length))} />
      )}
    </span>
  );
}

/** JSON as it was sent, only with line breaks. */
export function SentJson({ json, label }: { json: string; label: string }) {
  const [limit, setLimit] = useState(20_000);
  const { text, isCut } = useMemo(() => indentJson(json, limit), [json, limit]);
  return (
    <div class="sent-json">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and keys must be able to scroll it */}
      <pre tabIndex={0} role="group" aria-label={label}>
        {text}
      </pre>
      {isCut && (
        <button type="button" class="button more" onClick={() => setLimit(limit + STEP)}>
          Show more of {bytes(json.length)}
        </button>
      )}
    </div>
  );
}

/** An image that is here in whole; of every other the address is shown. */
export function Image({ source, alt }: { source: string; alt: string }) {
  if (isImageUri(source)) {
    return (
      <span class="image">
        <img src={source} alt={alt} loading="lazy" />
        <small class="muted">
          {source.slice(5, source.indexOf(';'))}, {bytes(Math.floor(((source.length - source.indexOf(',')) * 3) / 4))}
        </small>
      </span>
    );
  }
  return (
    <span>
      <span class="part-kind">image</span> <LongText text={source} first={300} />
    </span>
  );
}
