import { addressGroup } from './address-shares';
import { createDoorBudget, type DoorBudget, type DoorTicket } from './body';
import type { ReceiverKey } from './keys';

/** Of bodies under way with one browser key, and of those from one client address: whoever has a page's key must not fill the door for all others. */
const KEY_BYTES_MAX = 32 * 1024 * 1024;
const ADDRESS_BYTES_MAX = KEY_BYTES_MAX / 4;

export interface Entering {
  readonly key: ReceiverKey | undefined;
  /** Of the client. */
  readonly address: string;
  /** 0 where the length is not known. */
  readonly declaredBytes: number;
}

/** Bodies of one client address with one browser key. */
interface Share {
  readonly budget: DoorBudget;
  bodies: number;
}

/**
 * Where a body comes in: by the door for all, and with a browser key by that of its key and of its client address before.
 * Throws 503 where it would not fit.
 */
export function createEntrance(door: DoorBudget, random: () => number): (entering: Entering) => DoorTicket {
  const keys = new Map<ReceiverKey, { budget: DoorBudget; shares: Map<string, Share> }>();
  return ({ key, address, declaredBytes }) => {
    if (key?.browser !== true) return door.enter(declaredBytes);
    const budgetOf = (bytesMax: number) => createDoorBudget({ bytesMax, random });
    const own = keys.get(key) ?? { budget: budgetOf(KEY_BYTES_MAX), shares: new Map<string, Share>() };
    keys.set(key, own);
    const group = addressGroup(address);
    const share = own.shares.get(group) ?? { budget: budgetOf(ADDRESS_BYTES_MAX), bodies: 0 };
    const tickets = [share.budget, own.budget, door].map((budget) => budget.enter(declaredBytes));
    own.shares.set(group, share);
    share.bodies++;
    return {
      hold(bytes) {
        for (const ticket of tickets) ticket.hold(bytes);
      },
      leave() {
        for (const ticket of tickets) ticket.leave();
        share.bodies--;
        if (share.bodies === 0) own.shares.delete(group);
      },
    };
  };
}
