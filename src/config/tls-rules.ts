import type { Reader } from './findings';
import { judgeTlsFiles, type TlsFiles } from './tls-files';

const FILES = ['cert', 'key', 'clientCa'] as const;

/** Mistakes in what the receiver is given for TLS, those in the files included. */
export function judgeTls(reader: Reader): string[] {
  const origin = (of: keyof TlsFiles) => reader.originOf(`receiver.tls.${of}`);
  const [cert, key] = [origin('cert'), origin('key')];
  if (cert === undefined && key === undefined) {
    const clientCa = origin('clientCa');
    return clientCa === undefined ? [] : [`${clientCa} has no effect without a certificate: set ${BOTH} too`];
  }
  if (key === undefined)
    return [`${cert} is only half of what TLS needs: set GATEWAY_TLS_KEY (in the file: receiver.tls.key) too`];
  if (cert === undefined)
    return [`${key} is only half of what TLS needs: set GATEWAY_TLS_CERT (in the file: receiver.tls.cert) too`];
  const files = tlsFiles(reader);
  if (files === undefined || FILES.some((of) => reader.isMistaken(`receiver.tls.${of}`))) return [];
  const judged = judgeTlsFiles(files);
  return 'mistakes' in judged ? judged.mistakes.map(({ of, wrong }) => `${origin(of)} ${wrong}`) : [];
}

const BOTH = 'GATEWAY_TLS_CERT and GATEWAY_TLS_KEY (in the file: receiver.tls.cert and receiver.tls.key)';

export function tlsWarnings(reader: Reader, nowMs: number): string[] {
  const files = tlsFiles(reader);
  const judged = files && judgeTlsFiles(files);
  if (judged === undefined || 'mistakes' in judged || nowMs <= judged.expiresAtMs) return [];
  const since = new Date(judged.expiresAtMs).toISOString();
  return [`${reader.originOf('receiver.tls.cert')} names a certificate that expired at ${since}`];
}

/** Undefined: plain HTTP. */
export function tlsFiles({ get }: Reader): TlsFiles | undefined {
  const [cert, key, clientCa] = FILES.map((of) => get(`receiver.tls.${of}`));
  if (cert === undefined || key === undefined) return undefined;
  return { cert, key, ...(clientCa !== undefined && { clientCa }) };
}
