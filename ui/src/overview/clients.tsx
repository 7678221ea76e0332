import type { ClientView } from '../../../src/inspector/api';
import { Cut, Empty, Section } from '../parts/small';
import { tracesHref } from '../route';
import { ago, counted, grouped } from '../text/format';

function nameOf({ sdk, sdkVersion, userAgent }: ClientView): string {
  if (sdk === null) return userAgent ?? 'unknown';
  return sdkVersion === null ? sdk : `${sdk} ${sdkVersion}`;
}

function Row({ client, nowMs }: { client: ClientView; nowMs: number }) {
  return (
    <tr>
      <th scope="row" data-label="Client">
        <Cut text={nameOf(client)} />
      </th>
      <td data-label="Language">{client.language ?? <span class="muted">–</span>}</td>
      <td data-label="Service">
        {client.service === null ? (
          <span class="muted">–</span>
        ) : (
          <a class="cut" href={tracesHref({ service: client.service })} title={`Traces of ${client.service}`}>
            {client.service}
          </a>
        )}
      </td>
      <td class="number" data-label="Spans">
        {grouped(client.spans)}
      </td>
      <td class="number" data-label="Requests">
        {grouped(client.requests)}
      </td>
      <td class="number" data-label="Last seen">
        <time dateTime={client.lastSeenAt} title={client.lastSeenAt}>
          {ago(client.lastSeenAt, nowMs)}
        </time>
      </td>
    </tr>
  );
}

export function ClientsSection({ clients, now }: { clients: readonly ClientView[]; now: string }) {
  const nowMs = Date.parse(now);
  return (
    <Section id="clients" title="Clients" note={<span class="note">{counted(clients.length, 'client')} seen</span>}>
      {clients.length === 0 ? (
        <Empty title="Nobody has sent anything yet." />
      ) : (
        <table class="table stacked">
          <thead>
            <tr>
              <th scope="col">Client</th>
              <th scope="col">Language</th>
              <th scope="col">Service</th>
              <th scope="col" class="number">
                Spans
              </th>
              <th scope="col" class="number">
                Requests
              </th>
              <th scope="col" class="number">
                Last seen
              </th>
            </tr>
          </thead>
          <tbody>
            {clients.map((client, index) => (
              <Row key={`${index} ${nameOf(client)}`} client={client} nowMs={nowMs} />
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
