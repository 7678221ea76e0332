import { describeFailure, failureReason } from '../../src/delivery/failure-reason';

const withCode = (code: string) => Object.assign(new Error('connect to 10.0.0.1'), { code });

test.each([
  ['ENOTFOUND', 'dns'],
  ['EAI_AGAIN', 'dns'],
  ['ECONNREFUSED', 'refused'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_SOCKET', 'reset'],
  ['CERT_HAS_EXPIRED', 'tls'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
  ['EPROTO', 'tls'],
  ['ETIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'timeout'],
  ['HPE_INVALID_CONSTANT', 'network'],
])('%s, itself or as the cause: %s', (code, reason) => {
  expect(failureReason(withCode(code))).toBe(reason);
  expect(failureReason(new Error('fetch failed', { cause: withCode(code) }))).toBe(reason);
});

test.each<[string, unknown, string]>([
  ['a signal that timed out', new DOMException('too late', 'TimeoutError'), 'timeout'],
  ['no code', new Error('no'), 'network'],
  ['a code that is no string', Object.assign(new Error('no'), { code: 7 }), 'network'],
  ['no error at all', 'ECONNREFUSED', 'network'],
])('%s: %s', (_, error, reason) => {
  expect(failureReason(error)).toBe(reason);
});

test.each([
  ['timeout', 'no answer in time'],
  ['http_503', 'http_503'],
  ['media_http_503', 'the media API answered HTTP 503'],
  ['media_timeout', 'the media API did not answer in time'],
  ['media_dns', 'the name of the media API cannot be resolved'],
  ['media_answer', 'what the media API answered does not come from Langfuse'],
  ['media_upload_http_403', 'the media store answered HTTP 403'],
  ['media_upload_timeout', 'the upload to the store timed out'],
  ['media_upload_refused', 'the media store refused the connection'],
  ['media_upload_reset', 'the connection to the media store was reset'],
  ['media_upload_tls', 'TLS with the media store failed'],
  ['media_upload_network', 'the media store could not be reached'],
  ['media_internal', 'an error of the gateway'],
])('%s in words: %s', (reason, words) => {
  expect(describeFailure(reason)).toBe(words);
});
