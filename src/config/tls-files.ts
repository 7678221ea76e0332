import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { errorCode } from './secret-file';

/** Paths of PEM files: a certificate (with its chain), its private key, and who signs the certificates of clients. */
export interface TlsFiles {
  cert: string;
  key: string;
  clientCa?: string;
}

interface TlsContents {
  cert: Buffer;
  key: Buffer;
  ca?: Buffer;
}

/** `wrong` completes "NAME …", be that a setting or a path, and holds neither a path nor anything of a file. */
export interface TlsMistake {
  of: keyof TlsFiles;
  wrong: string;
}

/**
 * Reads the files, and sees that TLS can work with them.
 *
 * @throws Error that names the files at fault and nothing of what is in them: its message is fit for the log
 */
export function readTlsFiles(files: TlsFiles): TlsContents {
  const judged = judgeTlsFiles(files);
  if ('contents' in judged) return judged.contents;
  throw new Error(judged.mistakes.map(({ of, wrong }) => `${files[of]} ${wrong}`).join('; '));
}

/** The same with every mistake by itself; `expiresAtMs` is when the certificate does. */
export function judgeTlsFiles(
  files: TlsFiles,
): { contents: TlsContents; expiresAtMs: number } | { mistakes: TlsMistake[] } {
  const mistakes: TlsMistake[] = [];
  const read = <T>(of: keyof TlsFiles, parse: (content: Buffer) => T): { content: Buffer; parsed: T } | undefined => {
    try {
      const content = contentOf(files[of]!);
      return { content, parsed: parse(content) };
    } catch (error) {
      mistakes.push({ of, wrong: error instanceof Unfit ? error.message : `${MUST_BE[of]} (${errorCode(error)})` });
      return undefined;
    }
  };
  const cert = read('cert', certificatesOf);
  const key = read('key', privateKeyOf);
  const ca = files.clientCa === undefined ? undefined : read('clientCa', certificatesOf);
  if (!cert || !key || mistakes.length > 0) return { mistakes };
  const contents = { cert: cert.content, key: key.content, ...(ca && { ca: ca.content }) };
  const leaf = cert.parsed[0]!;
  const wrong = leaf.checkPrivateKey(key.parsed)
    ? contextMistake(contents)
    : 'holds the certificate of another private key';
  if (wrong !== undefined) return { mistakes: [{ of: 'cert', wrong }] };
  return { contents, expiresAtMs: Date.parse(leaf.validTo) };
}

/** Its message completes "NAME …". */
class Unfit extends Error {}

const MUST_BE: Readonly<Record<keyof TlsFiles, string>> = {
  cert: 'must be a PEM file with a certificate',
  key: 'must be a PEM file with a private key',
  clientCa: 'must be a PEM file with certificates',
};

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Unfit(`cannot be read (${errorCode(error)}); it must be the path of a PEM file`);
  }
}

/** All of them: of what TLS is given as authorities, it passes over in silence what it cannot read. */
function certificatesOf(content: Buffer): X509Certificate[] {
  const blocks = content.toString('latin1').match(CERTIFICATES) ?? [];
  if (blocks.length === 0) throw new Unfit('must be a PEM file with certificates: it holds none');
  return blocks.map((block) => new X509Certificate(block));
}

/** With or without its end: one that is cut off is a mistake, too. */
const CERTIFICATES = /-----BEGIN (?:X509 )?CERTIFICATE-----[^-]*(?:-----END [A-Z0-9 ]*-----)?/g;

function privateKeyOf(content: Buffer): KeyObject {
  const text = content.toString('latin1');
  if (!text.includes('PRIVATE KEY-----')) throw new Unfit('must be a PEM file with a private key: it holds none');
  if (text.includes('ENCRYPTED')) throw new Unfit('must be a private key without a passphrase');
  return createPrivateKey(content);
}

/** What OpenSSL has against it: a key that is too short, a signature that counts no more. */
function contextMistake(contents: TlsContents): string | undefined {
  try {
    createSecureContext(contents);
    return undefined;
  } catch (error) {
    return `holds a certificate that TLS does not take (${errorCode(error)})`;
  }
}
