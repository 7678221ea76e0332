import { createStore } from './store';

/** Whether the gateway answered the last request. */
export const reach = createStore(true);

export const reportReach = (isReached: boolean): void => reach.set(isReached);
