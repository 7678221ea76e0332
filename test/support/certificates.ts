import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** Both as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateAuthority {
  /** Its own certificate, as PEM. */
  readonly cert: string;
  /** One for these host names and IPv4 addresses, or for a client where there are none; valid from yesterday for so many days. */
  issue(options?: { hosts?: readonly string[]; days?: number }): Certificate;
}

const DAY_MS = 86_400_000;

/** An authority of this test run: certificates in files would expire one day. */
export function createAuthority(name: string): CertificateAuthority {
  const authority = newKey();
  const signed = (to: { subject: string; publicKey: KeyObject; days: number; extensions: Buffer[] }) =>
    certificate({ ...to, issuer: name, issuerKey: authority.privateKey });
  return {
    cert: signed({ subject: name, publicKey: authority.publicKey, days: 30, extensions: [IS_AUTHORITY] }),
    issue({ hosts = [], days = 30 } = {}) {
      const { publicKey, privateKey } = newKey();
      const extensions = hosts.length === 0 ? [] : [alternativeNames(hosts)];
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      return { cert: signed({ subject: hosts[0] ?? 'client', publicKey, days, extensions }), key };
    },
  };
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** RFC 5280, section 4.1, as PEM. */
function certificate(options: {
  subject: string;
  issuer: string;
  publicKey: KeyObject;
  issuerKey: KeyObject;
  days: number;
  extensions: readonly Buffer[];
}): string {
  const { subject, issuer, publicKey, issuerKey, days, extensions } = options;
  const start = Date.now() - DAY_MS;
  const signed = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    // Positive, and without a zero byte in front.
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    sequence(utcTime(start), utcTime(start + days * DAY_MS)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [tagged(0xa3, sequence(...extensions))]),
  );
  const signature = sign('sha256', signed, issuerKey);
  const der = sequence(signed, ECDSA_WITH_SHA256, tagged(0x03, Buffer.of(0), signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** DER: tag, length, contents. */
function tagged(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

function sequence(...contents: Buffer[]): Buffer {
  return tagged(0x30, ...contents);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

/** By its encoded bytes, in hex. */
function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

/** YYMMDDhhmmssZ. */
function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`));
}

/** A distinguished name of a common name alone. */
function nameOf(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(oid('550403'), tagged(0x0c, Buffer.from(commonName)))));
}

function alternativeNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    isIPv4(host) ? tagged(0x87, Buffer.from(host.split('.').map(Number))) : tagged(0x82, Buffer.from(host)),
  );
  return sequence(oid('551d11'), tagged(0x04, sequence(...names)));
}

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const TRUE = tagged(0x01, Buffer.of(0xff));
/** Basic constraints, critical: an authority. */
const IS_AUTHORITY = sequence(oid('551d13'), TRUE, tagged(0x04, sequence(TRUE)));
