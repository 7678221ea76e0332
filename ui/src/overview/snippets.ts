/** A word of a shell, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const randomId = (bytes: number): string => `'$(od -An -N${bytes} -tx1 /dev/urandom | tr -d ' \\n')'`;

const attribute = (key: string, text: string) => ({ key, value: { stringValue: text } });

/** Stands for a key, which the page does not know. */
export const KEY = 'YOUR_KEY';

/** The shell makes ids and times, so that each run is a trace of its own, now. */
export function curlLine(receiverUrl: string, wantsKey: boolean): string {
  const span = {
    traceId: 'TRACE_ID',
    spanId: 'SPAN_ID',
    name: 'hello',
    kind: 1,
    startTimeUnixNano: 'START',
    endTimeUnixNano: 'END',
    attributes: [
      attribute('langfuse.observation.type', 'generation'),
      attribute('session.id', 'first-session'),
      attribute('user.id', 'me'),
      attribute('input', 'Is anybody there?'),
      attribute('output', 'Yes: the gateway.'),
    ],
  };
  const resource = { attributes: [attribute('service.name', 'first-trace')] };
  const body = quoted(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] }))
    .replace('TRACE_ID', randomId(16))
    .replace('SPAN_ID', randomId(8))
    .replace('START', "'$(date +%s)'000000000")
    .replace('END', "'$(date +%s)'250000000");
  const key = wantsKey ? ` -H 'Authorization: Bearer ${KEY}'` : '';
  return `curl -sS -H 'Content-Type: application/json'${key} ${quoted(`${receiverUrl}/v1/traces`)} --data-binary ${body}`;
}

export const openTelemetryLines = (receiverUrl: string, wantsKey: boolean): string =>
  [
    `export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${shellValue(`${receiverUrl}/v1/traces`)}`,
    'export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf',
    ...(wantsKey ? [`export OTEL_EXPORTER_OTLP_TRACES_HEADERS=authorization=Bearer%20${KEY}`] : []),
  ].join('\n');

/** A Langfuse SDK sends its keys as Basic, whose password is the key. */
export const langfuseLines = (receiverUrl: string, wantsKey: boolean): string =>
  [
    `export LANGFUSE_BASE_URL=${shellValue(receiverUrl)}`,
    ...(wantsKey ? [`export LANGFUSE_SECRET_KEY=${KEY}`] : []),
    'export LANGFUSE_MEDIA_UPLOAD_ENABLED=false',
  ].join('\n');

const shellValue = (text: string): string => (/^[\w:/.,@%+=[\]-]*$/.test(text) ? text : quoted(text));
