import { BlockList, isIP, isIPv6 } from 'node:net';

/** The host as `listen()` takes it: lower case, an IPv6 address without brackets. `undefined`: neither address nor name. */
export function parseHost(raw: string): string | undefined {
  const host = raw.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0) return host;
  return raw.length <= 253 && HOST_NAME.test(host) ? host : undefined;
}

const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/;

/**
 * Whether only this machine can reach a listener on `host`: 127.0.0.0/8, `::1` in any spelling, `localhost`. Any other
 * name counts as reachable, because what it resolves to can change after the check.
 */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost';
  return LOOPBACK.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}

/**
 * Whether a connection to `target` (the host of a URL) ends at a listener on `listener` if the ports agree. Other
 * names are not resolved, nor are the addresses of the network cards asked for: both can change after the check.
 */
export function reaches(hosts: { target: string; listener: string }): boolean {
  const target = hosts.target.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  const { listener } = hosts;
  if (target === listener) return true;
  // A connection to "any address" goes to loopback.
  const isLocal = isLoopback(target) || isAny(target);
  if (isAny(listener)) return isLocal;
  return isLoopback(listener) && isLocal && [target, listener].some((host) => host === 'localhost' || isAny(host));
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Names that Express has for the addresses of one machine, one link, one site. */
const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal'];

/** An address, a subnet or a name that `trust proxy` of Express takes; lower case. It knows no subnet of all addresses. */
export function parseProxy(raw: string): string | undefined {
  const proxy = raw.toLowerCase();
  if (PROXY_NAMES.includes(proxy)) return proxy;
  const [, address = '', , bits = '1'] = /^([^/%]*)(\/(\d{1,3}))?$/.exec(proxy) ?? [];
  const bitsMax = { 0: 0, 4: 32, 6: 128 }[isIP(address)]!;
  return Number(bits) >= 1 && Number(bits) <= bitsMax ? proxy : undefined;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
