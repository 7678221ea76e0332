/** Much less than the second after which a sender may come again, and enough to slow down one that does not wait. */
const REFUSAL_MS_MIN = 125;
const REFUSAL_MS_MAX = 375;
/** Each is a request held in memory; beyond these refusals are told at once. */
const WAITING_MAX = 1000;

/**
 * Lets refusals for the rate take their time: who sends again as soon as it is answered would else have all the time of the
 * others, however cheap a refusal is. Spread, so that those who were refused together are not told, and back, together.
 *
 * @param options.random from 0 up to 1.
 */
export function createPatience(options: { random: () => number; waitingMax?: number }): (refuse: () => void) => void {
  const { random, waitingMax = WAITING_MAX } = options;
  let waiting = 0;
  return (refuse) => {
    if (waiting >= waitingMax) {
      refuse();
      return;
    }
    waiting++;
    setTimeout(
      () => {
        waiting--;
        refuse();
      },
      REFUSAL_MS_MIN + random() * (REFUSAL_MS_MAX - REFUSAL_MS_MIN),
    );
  };
}
