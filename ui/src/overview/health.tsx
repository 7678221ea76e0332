import type { DestinationView, Overview, TroubleView } from '../../../src/inspector/api';
import { Section } from '../parts/small';
import { ago, counted, minuteClock } from '../text/format';

type Tone = 'good' | 'idle' | 'bad';

interface Sentence {
  readonly key: string;
  readonly tone: Tone;
  readonly text: string;
}

const TONES: Readonly<Record<Tone, string>> = { good: 'well', idle: 'nothing to tell', bad: 'trouble' };

function troubleText({ description, since, hint }: TroubleView): string {
  return `${description} since ${minuteClock(since)}${hint === null ? '' : `: ${hint}`}`;
}

function destinationSentences(destination: DestinationView, nowMs: number): Sentence[] {
  const { name, trouble, mediaTrouble, lastSuccessAt, queued, baseUrl } = destination;
  const who = baseUrl === null ? name : `Langfuse ${name}`;
  const waiting = queued > 0 ? `; ${counted(queued, 'span')} wait` : '';
  const sentences: Sentence[] = [];
  if (trouble !== null) sentences.push({ key: name, tone: 'bad', text: `${name}: ${troubleText(trouble)}${waiting}` });
  else if (lastSuccessAt === null)
    sentences.push({ key: name, tone: 'idle', text: `${name}: nothing sent yet${waiting}` });
  else {
    const text = `${who}: delivering, last success ${ago(lastSuccessAt, nowMs)}${waiting}`;
    sentences.push({ key: name, tone: 'good', text });
  }
  if (mediaTrouble !== null) {
    const text = `${name}, media: ${troubleText(mediaTrouble)}; spans without media are delivered all the same`;
    sentences.push({ key: `${name}-media`, tone: 'bad', text });
  }
  return sentences;
}

const PREVIEW: Sentence = {
  key: 'preview',
  tone: 'idle',
  text: 'preview: spans are only shown here; set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY to deliver them',
};

function sentencesOf(overview: Overview): Sentence[] {
  const nowMs = Date.parse(overview.now);
  const reasons =
    overview.status === 'ready'
      ? []
      : [`${overview.status}${overview.reasons.length > 0 ? ':' : ''} ${overview.reasons.join('; ')}`];
  return [
    ...reasons.map((text): Sentence => ({ key: 'status', tone: 'bad', text: text.trim() })),
    ...(overview.isPreview
      ? [PREVIEW]
      : overview.destinations.flatMap((destination) => destinationSentences(destination, nowMs))),
  ];
}

export function HealthSection({ overview }: { overview: Overview }) {
  return (
    <Section id="health" title="Health">
      <ul class="health">
        {sentencesOf(overview).map(({ key, tone, text }) => (
          <li key={key} data-tone={tone}>
            <span class="dot" role="img" aria-label={TONES[tone]} />
            <span>{text}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
