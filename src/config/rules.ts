import type { Reader } from './findings';
import { isLoopback, reaches } from './hosts';
import { judgeIngestKeys } from './key-rules';
import { judgeTls } from './tls-rules';
import { countDestinations, countEntries, type Together } from './together';

/** Mistakes that only show when settings are seen together. A setting that is a mistake by itself causes none here. */
export function judgeTogether(together: Together, nowMs: number): string[] {
  const { reader } = together;
  return [
    ...judgeReceiver(together),
    ...judgeTls(reader),
    ...judgeAdmin(reader),
    ...judgePorts(reader),
    ...judgeDestinations(together),
    ...judgeIngestKeys(together, nowMs),
  ];
}

function judgeReceiver(together: Together): string[] {
  const { get, originOf, isMistaken } = together.reader;
  // A key that is a mistake, or has expired, is one all the same: nobody meant the door to be open.
  const hasKeys =
    originOf('ingestKeys') !== undefined || countEntries(together, 'keys') > 0 || together.values.has('keys');
  if (hasKeys || get('allowAnonymous') || isMistaken('allowAnonymous') || isLoopback(get('receiver.host'))) return [];
  return [
    `${originOf('receiver.host')} must be a loopback address as long as there are no keys: set GATEWAY_INGEST_KEYS, ` +
      'keys in the file, or GATEWAY_ALLOW_ANONYMOUS=true if everybody who reaches the port may send',
  ];
}

function judgeAdmin({ get, originOf }: Reader): string[] {
  if (originOf('admin.token') !== undefined || isLoopback(get('admin.host'))) return [];
  return [`${originOf('admin.host')} must be a loopback address as long as GATEWAY_ADMIN_TOKEN is not set`];
}

function judgePorts({ get, originOf, isMistaken }: Reader): string[] {
  const hosts = [get('receiver.host'), get('admin.host')];
  const overlap = hosts[0] === hosts[1] || hosts.some((host) => host === '0.0.0.0' || host === '::');
  const port = get('receiver.port');
  const isMistake = isMistaken('receiver.port') || isMistaken('admin.port');
  if (isMistake || !overlap || port === 0 || port !== get('admin.port')) return [];
  const [origin, other] =
    originOf('admin.port') === undefined ? [originOf('receiver.port'), 'admin'] : [originOf('admin.port'), 'receiver'];
  return [`${origin} must differ from the ${other}'s port: prompts are never reachable through the receiver's port`];
}

function judgeDestinations(together: Together): string[] {
  const mistakes: string[] = [];
  const names = new Set<string>();
  for (let index = 0; index < countDestinations(together); index += 1) {
    if (together.values.get(`destinations[${index}]`)?.isMistaken) continue;
    mistakes.push(...judgeCredentials(together, index), ...judgeName(together, index, names));
    mistakes.push(...judgeBaseUrl(together.reader, index));
  }
  return mistakes;
}

function judgeCredentials({ reader, values }: Together, index: number): string[] {
  const publicKey = reader.originOf('destinations[].publicKey', index);
  const secretKey = reader.originOf('destinations[].secretKey', index);
  if (publicKey !== undefined && secretKey !== undefined) return [];
  const given = publicKey ?? secretKey;
  if (given === undefined) {
    const variables = index === 0 ? ', here or as LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY' : '';
    return [`${values.get(`destinations[${index}]`)?.origin} must have publicKey and secretKey${variables}`];
  }
  const missing = publicKey === undefined ? 'publicKey' : 'secretKey';
  const variable = publicKey === undefined ? 'LANGFUSE_PUBLIC_KEY' : 'LANGFUSE_SECRET_KEY';
  const ways =
    index === 0 ? `${variable} (in the file: destinations[0].${missing})` : `destinations[${index}].${missing}`;
  return [`${given} is only half of the credentials: set ${ways} too`];
}

function judgeName({ reader, values }: Together, index: number, names: Set<string>): string[] {
  const origin = reader.originOf('destinations[].name', index);
  if (reader.isMistaken('destinations[].name', index)) return [];
  if (origin === undefined && index > 0) {
    return [
      `${values.get(`destinations[${index}]`)?.origin} must have a name: only the first destination has a default`,
    ];
  }
  const name = reader.get('destinations[].name', index);
  if (names.has(name)) return [`${origin} must be unique: an earlier destination has this name`];
  names.add(name);
  return [];
}

/** LANGFUSE_BASE_URL is also what points a Langfuse SDK at the gateway: taken over, each span would come back for ever. */
function judgeBaseUrl({ get, originOf, isMistaken }: Reader, index: number): string[] {
  const url = new URL(get('destinations[].baseUrl', index));
  const urlPort = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const own = (['receiver', 'admin'] as const).filter((listener) => {
    const [host, port] = [`${listener}.host`, `${listener}.port`] as const;
    return !isMistaken(host) && get(port) === urlPort && reaches({ target: url.hostname, listener: get(host) });
  });
  return own
    .filter((listener) => !isMistaken(`${listener}.port`))
    .map(
      (listener) =>
        `${originOf('destinations[].baseUrl', index)} must be the address of Langfuse: this is the gateway's own ` +
        `${listener}, which would be sent its own spans`,
    );
}
