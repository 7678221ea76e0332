import type { ForcedAnswer } from '../support/fake-langfuse';
import type { Interposer } from '../support/interposer';
import type { Random } from '../support/random';

/** How a Langfuse is, and the wire to it, for a while. */
export interface Mood {
  respond(random: Random): ForcedAnswer | undefined;
  interference: Interposer['interference'];
}

const mood = (respond: Mood['respond'], interference: Interposer['interference'] = 'none') => ({
  ...{ respond, interference },
});

export const WELL = mood(() => undefined);

export const MOODS: readonly Mood[] = [
  WELL,
  // Slow.
  mood((random) => ({ delayMs: random() * 300 })),
  // Down.
  mood(() => ({ status: 503 })),
  mood((random) => (random() < 0.5 ? { status: 500, store: random() < 0.3 } : undefined)),
  mood((random) => (random() < 0.5 ? { destroy: true, store: random() < 0.5 } : undefined)),
  // Takes all and says nothing.
  mood(() => undefined, 'silence'),
  mood(() => undefined, { answerBytes: 7 }),
];
