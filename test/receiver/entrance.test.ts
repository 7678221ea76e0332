import { createDoorBudget } from '../../src/receiver/body';
import { createEntrance } from '../../src/receiver/entrance';
import { ingestKey } from '../support/ingest-keys';

const MIB = 1024 * 1024;
const KEY = ingestKey('gw-web-1', { browser: true });
const start = () => createEntrance(createDoorBudget({ bytesMax: 256 * MIB, random: () => 0 }), () => 0);
const from = (address: string, mebibytes: number, key = KEY) => ({ key, address, declaredBytes: mebibytes * MIB });

test('one client of a browser key has a quarter of its 32 MiB, the key no more than these', () => {
  const enter = start();
  const first = enter(from('192.0.2.1', 8));
  first.hold(8 * MIB);
  expect(() => enter(from('192.0.2.1', 1))).toThrow('too many bodies');
  for (const address of ['192.0.2.2', '192.0.2.3', '192.0.2.4']) enter(from(address, 8)).hold(8 * MIB);
  expect(() => enter(from('192.0.2.5', 1))).toThrow('too many bodies');
  // Another key and a server key have their own room.
  enter(from('192.0.2.1', 8, ingestKey('gw-shop-1', { browser: true }))).hold(8 * MIB);
  enter(from('192.0.2.1', 64, ingestKey('gw-backend-1'))).hold(64 * MIB);
  first.leave();
  enter(from('192.0.2.5', 8)).hold(8 * MIB);
});

test('one body always comes in, and grows as far as the key has room', () => {
  const ticket = start()(from('192.0.2.1', 0));
  ticket.hold(20 * MIB);
  ticket.hold(31 * MIB);
  ticket.leave();
});

test('a body that grows beyond its share beside another is refused, and what it held is given back', () => {
  const enter = start();
  const [one, other] = [enter(from('192.0.2.1', 0)), enter(from('192.0.2.1', 0))];
  one.hold(5 * MIB);
  other.hold(3 * MIB);
  expect(() => other.hold(4 * MIB)).toThrow('too many bodies');
  other.leave();
  one.hold(8 * MIB);
});
