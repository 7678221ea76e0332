import { X509Certificate } from 'node:crypto';
import type { Server, ServerOptions } from 'node:https';
import type { Logger } from 'pino';

/** What the files hold, as PEM. */
export interface TlsMaterial {
  /** The server's certificate, followed by those between it and its authority. */
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Authorities of the clients: with them a client needs a certificate that one of them has signed. */
  readonly ca?: Buffer | undefined;
}

/**
 * Reads all of it anew. Throws an Error with a message that is fit for the log, also where authorities are cut off: TLS
 * passes over what it cannot read of them, and would shut their clients out.
 */
export type ReadTls = () => TlsMaterial;

/** Together with the 30 s of a request's headers, and what comes after them, below a minute. */
const HANDSHAKE_MS = 15_000;
const EVERY_MS = 5_000;

/** For `https.createServer`. What is not said here is Node's default, the ciphers among them. */
export function tlsOptions({ cert, key, ca }: TlsMaterial): ServerOptions {
  return {
    ...{ cert, key, ca },
    minVersion: 'TLSv1.2',
    // Who also offers HTTP/2 gets HTTP/1.1; who offers nothing else is refused in the handshake (RFC 7301, section 3.2).
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: HANDSHAKE_MS,
    requestCert: ca !== undefined,
    rejectUnauthorized: true,
  };
}

/**
 * Looks at the files now and then, and lets new connections have what they hold; those that are open live on. What cannot
 * be read or used changes nothing. Closes connections whose handshake fails.
 */
export function watchTls(
  server: Server,
  { read, log, everyMs = EVERY_MS }: { read: ReadTls; log: Logger; everyMs?: number },
): { close(): void } {
  let used: TlsMaterial | undefined;
  let trouble: string | undefined;
  const look = () => {
    try {
      const found = read();
      if (used === undefined || !isSame(found, used)) {
        // Throws, and leaves what was used before, where key and certificate do not belong together.
        server.setSecureContext(tlsOptions(found));
        used = found;
        const validTo = expiryOf(found);
        log.info({ validTo }, `TLS: new connections get the certificate that is valid until ${validTo}`);
      }
      trouble = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== trouble) log.warn(`TLS: the files cannot be used, what was read before stays: ${message}`);
      trouble = message;
    }
  };
  // At once: they may have changed since the server was made.
  look();
  const timer = setInterval(look, everyMs).unref();
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    log.debug({ code: error.code }, 'a TLS handshake failed');
    // Node leaves a connection open whose handshake takes too long.
    socket.destroy();
  });
  return { close: () => clearInterval(timer) };
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  const parts = ({ cert, key, ca = Buffer.alloc(0) }: TlsMaterial) => [cert, key, ca];
  return parts(one).every((part, index) => part.equals(parts(other)[index] as Buffer));
}

/** When the certificate ends. */
const expiryOf = ({ cert }: TlsMaterial) => new Date(new X509Certificate(cert).validTo).toISOString();
