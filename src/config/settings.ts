import { keys } from './key-settings';
import {
  baseUrl,
  boolean,
  corsOrigin,
  host,
  integer,
  label,
  list,
  oneOf,
  path,
  proxyUrl,
  publicKey,
  secret,
  text,
  trustProxy,
} from './kinds';
import { meaning } from './meaning';
import { type Setting, setting } from './setting';

const receiver = {
  'receiver.host': setting({
    env: 'HOST',
    kind: host,
    default: '127.0.0.1',
    reason: 'Spans hold prompts: nobody else on the network should reach the port before keys are set',
  }),
  'receiver.port': setting({
    env: 'PORT',
    kind: integer({ min: 0, max: 65535 }),
    default: 4318,
    reason: "OTLP/HTTP's registered port, where exporters send by default; 0 takes a free one",
  }),
  'receiver.bodyMaxBytes': setting({
    env: 'GATEWAY_BODY_MAX_BYTES',
    kind: integer({ min: 1024, max: 268_435_456 }),
    default: 67_108_864,
    reason:
      'The size OTLP recommends servers to take, on the wire and after decompression; more than 256 MiB never fits the door',
  }),
  'receiver.corsOrigins': setting({
    env: 'GATEWAY_CORS_ORIGINS',
    kind: list(corsOrigin),
    default: [],
    reason: 'Pages that may send from a browser; none until named, and `*` never comes with credentials',
  }),
  'receiver.trustProxy': setting({
    kind: trustProxy,
    default: false,
    reason:
      'Whose X-Forwarded-For is believed: clients share the rates of a key by address; anybody can write that header',
  }),
  'receiver.tls.cert': setting({
    env: 'GATEWAY_TLS_CERT',
    kind: path,
    reason: 'PEM file with the certificate and its chain; with the private key it makes the receiver speak HTTPS',
  }),
  'receiver.tls.key': setting({
    env: 'GATEWAY_TLS_KEY',
    kind: path,
    reason: 'PEM file with the private key of the certificate, without a passphrase',
  }),
  'receiver.tls.clientCa': setting({
    env: 'GATEWAY_TLS_CLIENT_CA',
    kind: path,
    reason: 'PEM file with the authorities whose clients may connect (mTLS); all others are refused',
  }),
  ingestKeys: setting({
    env: 'GATEWAY_INGEST_KEYS',
    inFile: false,
    secret: true,
    kind: list(secret),
    default: [],
    reason:
      'Keys of servers, beside those of the file and without bounds; none at all leaves the receiver open, which is allowed on loopback only',
  }),
  allowAnonymous: setting({
    env: 'GATEWAY_ALLOW_ANONYMOUS',
    inFile: false,
    kind: boolean,
    default: false,
    reason: 'Listening beyond loopback without keys must be a decision, not an oversight',
  }),
};

const admin = {
  'admin.host': setting({
    env: 'GATEWAY_ADMIN_HOST',
    kind: host,
    default: '127.0.0.1',
    reason: 'The admin listener shows prompts; beyond loopback it needs a token',
  }),
  'admin.port': setting({
    env: 'GATEWAY_ADMIN_PORT',
    kind: integer({ min: 0, max: 65535 }),
    default: 4319,
    reason: 'Next to the receiver and never on its port; 0 takes a free one',
  }),
  'admin.token': setting({
    env: 'GATEWAY_ADMIN_TOKEN',
    secret: true,
    kind: secret,
    reason: 'Without it the admin listener must stay on loopback',
  }),
};

const queue = {
  'queue.kind': setting({
    env: 'GATEWAY_QUEUE',
    kind: oneOf(['disk', 'memory']),
    default: 'disk',
    reason:
      'disk: 200 means kept, whatever happens to the process; memory: 200 means received, and a crash loses what waits',
  }),
  'queue.dataDir': setting({
    env: 'GATEWAY_DATA_DIR',
    kind: path,
    default: './data',
    reason: 'Queue and dead letters, made with mode 0700; one gateway at a time. The memory queue keeps nothing there',
  }),
  'queue.maxBytes': setting({
    env: 'GATEWAY_QUEUE_MAX_BYTES',
    kind: integer({ min: 1024, max: 1_099_511_627_776 }),
    default: 1_073_741_824,
    reason: 'Queue and dead letters together, on disk or in memory; beyond it senders get 503 and keep their spans',
  }),
  'queue.retryMaxAgeS': setting({
    env: 'GATEWAY_RETRY_MAX_AGE_S',
    kind: integer({ min: 0, max: 31_536_000 }),
    default: 86_400,
    reason: 'An outage of Langfuse may last a night; what is still undelivered after it becomes a dead letter',
  }),
  'queue.deadLetterMaxAgeS': setting({
    kind: integer({ min: 60, max: 315_360_000 }),
    reason:
      'Dead letters wait for somebody to replay or drop them; with this setting they are removed at that age, and counted',
  }),
};

/** The variables set the fields of the first destination. */
const destinations = {
  'destinations[].name': setting({
    kind: label,
    default: 'main',
    reason: 'The label in metrics and log; only the first destination may go without one',
  }),
  'destinations[].baseUrl': setting({
    env: 'LANGFUSE_BASE_URL',
    kind: baseUrl,
    default: 'https://cloud.langfuse.com',
    reason: "The Langfuse SDKs' default (EU cloud); the ingest path is appended",
  }),
  'destinations[].publicKey': setting({
    env: 'LANGFUSE_PUBLIC_KEY',
    secret: true,
    kind: publicKey,
    reason: 'Without any keys the gateway runs in preview mode; with one of the two it does not start',
  }),
  'destinations[].secretKey': setting({
    env: 'LANGFUSE_SECRET_KEY',
    secret: true,
    kind: secret,
    reason: 'Goes to Langfuse only: never to a sender, a log, an error or a metric',
  }),
  'destinations[].environment': setting({
    env: 'LANGFUSE_TRACING_ENVIRONMENT',
    kind: text('up to 40 of a-z, 0-9, - and _, not beginning with langfuse', /^(?!langfuse)[a-z0-9_-]{1,40}$/i),
    reason: 'Put on spans that carry none; what Langfuse cannot read as an environment it files under `default`',
  }),
  'destinations[].release': setting({
    env: 'LANGFUSE_RELEASE',
    kind: text('1 to 200 characters on one line', /^[^\p{Cc}]{1,200}$/u),
    reason: 'Put on spans that carry none',
  }),
  'destinations[].compression': setting({
    kind: oneOf(['auto', 'gzip', 'none']),
    default: 'auto',
    reason: 'auto: gzip, except to loopback, where it would cost CPU and save nothing',
  }),
};

const media = {
  media: setting({
    kind: oneOf(['inline', 'upload']),
    default: 'inline',
    reason:
      'inline: images stay in the span as data URIs; upload: they go to Langfuse’s media storage before their span, which then refers to them',
  }),
};

const inspector = {
  inspector: setting({
    kind: oneOf(['full', 'metadata', 'off']),
    reason:
      'What of spans is kept in memory, up to 64 MiB, to be looked at: all; all but what people wrote; nothing. Without it: full in preview mode, metadata with a destination',
  }),
};

const proxyReason = 'Honoured as curl does; the spelling in lower case wins';

const service = {
  shutdownTimeoutS: setting({
    env: 'GATEWAY_SHUTDOWN_TIMEOUT_S',
    inFile: false,
    kind: integer({ min: 0, max: 3600 }),
    default: 25,
    reason: 'Below the 30 s after which Kubernetes kills; deliveries under way may end in it',
  }),
  logLevel: setting({
    env: 'LOG_LEVEL',
    inFile: false,
    kind: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
    reason: "pino's levels, JSON lines on stdout",
  }),
  configFile: setting({
    env: 'GATEWAY_CONFIG',
    inFile: false,
    kind: text('a path', /./),
    reason: 'The YAML file with these settings; `--config` wins over it',
  }),
  'proxy.http': setting({ env: 'HTTP_PROXY', inFile: false, kind: proxyUrl, reason: proxyReason }),
  'proxy.https': setting({ env: 'HTTPS_PROXY', inFile: false, kind: proxyUrl, reason: proxyReason }),
  'proxy.none': setting({
    env: 'NO_PROXY',
    inFile: false,
    kind: text('a comma-separated list of hosts', /./),
    reason: 'Hosts that are reached directly; the spelling in lower case wins',
  }),
};

export const SETTINGS = {
  ...receiver,
  ...admin,
  ...queue,
  ...destinations,
  ...keys,
  ...meaning,
  ...media,
  ...inspector,
  ...service,
};

export type SettingKey = keyof typeof SETTINGS;
export type Value<K extends SettingKey> = (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;
