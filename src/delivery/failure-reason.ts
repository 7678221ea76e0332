/** Why no answer came, for the log, `/readyz` and the metric's `outcome` label. */
export type FailureReason = 'dns' | 'refused' | 'reset' | 'tls' | 'timeout' | 'network';

const CODES: readonly (readonly [RegExp, FailureReason])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'dns'],
  [/^ECONNREFUSED$/, 'refused'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'reset'],
  [/^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO$)/, 'tls'],
  [/^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/, 'timeout'],
];

/** A label of a closed set, not a message: error texts of the network may hold addresses. */
export function failureReason(error: unknown): FailureReason {
  if (typeof error !== 'object' || error === null) return 'network';
  const { name, code, cause } = error as { name?: unknown; code?: unknown; cause?: { code?: unknown } | null };
  if (name === 'TimeoutError') return 'timeout';
  return reasonOfCode(code) ?? reasonOfCode(cause?.code) ?? 'network';
}

function reasonOfCode(code: unknown): FailureReason | undefined {
  if (typeof code !== 'string') return undefined;
  return CODES.find(([codes]) => codes.test(code))?.[1];
}

const WORDS: Readonly<Record<string, string>> = {
  dns: 'its name cannot be resolved',
  refused: 'connection refused',
  reset: 'connection reset',
  tls: 'TLS failed',
  timeout: 'no answer in time',
  network: 'network failure',
};

/** By whom media fails: Langfuse itself, or the store it sends to. */
const MEDIA_API = 'the media API';
const MEDIA_STORE = 'the media store';

const MEDIA_WORDS: Readonly<Record<string, (whom: string) => string>> = {
  dns: (whom) => `the name of ${whom} cannot be resolved`,
  refused: (whom) => `${whom} refused the connection`,
  reset: (whom) => `the connection to ${whom} was reset`,
  tls: (whom) => `TLS with ${whom} failed`,
  timeout: (whom) => (whom === MEDIA_API ? `${whom} did not answer in time` : 'the upload to the store timed out'),
  network: (whom) => `${whom} could not be reached`,
  answer: (whom) => `what ${whom} answered does not come from Langfuse`,
  internal: () => 'an error of the gateway',
};

/** For people; a reason that is no failure of the network speaks for itself. */
export function describeFailure(reason: string): string {
  const [, upload, what] = /^media_(upload_)?(.+)$/.exec(reason) ?? [];
  if (what === undefined) return WORDS[reason] ?? reason;
  const whom = upload === undefined ? MEDIA_API : MEDIA_STORE;
  if (what.startsWith('http_')) return `${whom} answered HTTP ${what.slice('http_'.length)}`;
  return MEDIA_WORDS[what]?.(whom) ?? reason;
}
