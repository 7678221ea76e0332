import type { ComponentChildren } from 'preact';
import type { Observation, SpanDetail } from '../../../src/inspector/api';
import { CopyButton } from '../parts/copy';
import { Time } from '../parts/small';
import { tracesHref } from '../route';
import { dollars, duration, grouped } from '../text/format';

type Fact = readonly [title: string, content: ComponentChildren];

const msBetween = (from: string, to: string): number => Date.parse(to) - Date.parse(from);

function timeFacts({ startTime, endTime, completionStartTime }: Observation): Fact[] {
  const facts: Fact[] = [];
  if (startTime !== null) facts.push(['Start', <Time key="start" iso={startTime} as="millisecond" />]);
  if (endTime !== null) facts.push(['End', <Time key="end" iso={endTime} as="millisecond" />]);
  if (startTime !== null && endTime !== null) facts.push(['Duration', duration(msBetween(startTime, endTime))]);
  if (startTime !== null && completionStartTime !== null) {
    const first = duration(msBetween(startTime, completionStartTime));
    facts.push([
      'Time to first token',
      <span key="first" title={completionStartTime}>
        {first}
      </span>,
    ]);
  }
  return facts;
}

function ByKind({ amounts, show }: { amounts: Readonly<Record<string, number>>; show: (amount: number) => string }) {
  return (
    <span class="by-kind">
      {Object.entries(amounts).map(([kind, amount]) => (
        <span key={kind} title={`${kind}: ${amount}`}>
          <span class="muted">{kind}</span> {show(amount)}
        </span>
      ))}
    </span>
  );
}

function parametersText(parameters: Observation['modelParameters']): string {
  if (typeof parameters !== 'object' || parameters === null) return String(parameters);
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function modelFacts({ model, modelParameters, usage, cost, promptName, promptVersion }: Observation): Fact[] {
  const facts: Fact[] = [];
  if (model !== null) facts.push(['Model', model]);
  if (modelParameters !== null) facts.push(['Parameters', parametersText(modelParameters)]);
  if (usage !== null) facts.push(['Usage', <ByKind key="usage" amounts={usage} show={grouped} />]);
  if (cost !== null) facts.push(['Cost', <ByKind key="cost" amounts={cost} show={dollars} />]);
  if (promptName !== null)
    facts.push(['Prompt', promptVersion === null ? promptName : `${promptName}, version ${promptVersion}`]);
  return facts;
}

function contextFacts(observation: Observation): Fact[] {
  const { sessionId, userId, traceName, tags, environment, release, version } = observation;
  const facts: Fact[] = [];
  if (sessionId !== null)
    facts.push([
      'Session',
      <a key="session" href={tracesHref({ session: sessionId })}>
        {sessionId}
      </a>,
    ]);
  if (userId !== null)
    facts.push([
      'User',
      <a key="user" href={tracesHref({ user: userId })}>
        {userId}
      </a>,
    ]);
  if (traceName !== null) facts.push(['Trace name', traceName]);
  if (tags.length > 0) {
    facts.push([
      'Tags',
      <span key="tags" class="tags">
        {tags.map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
      </span>,
    ]);
  }
  facts.push(['Environment', environment]);
  if (release !== null) facts.push(['Release', release]);
  if (version !== null) facts.push(['Version', version]);
  if (observation.public) facts.push(['Public', 'yes']);
  return facts;
}

export function FactList({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(([title, content]) => (
        <div key={title} class="fact">
          <dt>{title}</dt>
          <dd>{content}</dd>
        </div>
      ))}
    </dl>
  );
}

export function ObservationFacts({ observation }: { observation: Observation }) {
  const id: Fact = [
    'Span id',
    <span key="id" class="trace-id">
      <code>{observation.spanId}</code>
      <CopyButton text={observation.spanId} what="the span id" />
    </span>,
  ];
  return <FactList facts={[...timeFacts(observation), ...modelFacts(observation), ...contextFacts(observation), id]} />;
}

const FORMATS = {
  json: 'OTLP JSON, as the sender wrote it',
  protobuf: 'OTLP protobuf, shown as OTLP JSON',
  transparent: 'transparent spans, as the sender wrote them',
};

export function SentFacts({ detail }: { detail: SpanDetail }) {
  const { service, sdk, sdkVersion, userAgent, address, key } = detail.sender;
  const known = (title: string, content: string | null): Fact[] => (content === null ? [] : [[title, content]]);
  const facts: Fact[] = [
    ['Format', FORMATS[detail.sent.format] ?? detail.sent.format],
    ['Received', <Time key="received" iso={detail.receivedAt} as="millisecond" />],
    ...known('Service', service),
    ...known('SDK', sdk === null || sdkVersion === null ? sdk : `${sdk} ${sdkVersion}`),
    ...known('User agent', userAgent),
    ...known('Address', address),
    ...known('Key', key),
    ['Destination', detail.destination],
  ];
  return <FactList facts={facts} />;
}
