import { resourceOf, scopeOf } from '../otlp/resource-view';
import type { ScopeGroup } from '../otlp/scan';
import type { RequestSender } from '../receiver/accept';
import type { SenderView } from './api';

/** What sent spans, as their resource and scope tell. */
export interface ClientInfo {
  readonly service: string | null;
  readonly sdk: string | null;
  readonly sdkVersion: string | null;
  readonly language: string | null;
}

/** Its scope has the version of a Langfuse SDK, which runs on OpenTelemetry's. */
const LANGFUSE_SCOPE = 'langfuse-sdk';
const CHARACTERS_MAX = 200;

export function clientOf(group: ScopeGroup): ClientInfo {
  const { attributes } = resourceOf(group.resource);
  const scope = scopeOf(group);
  const text = (key: string) => shortText(attributes[key]);
  const isLangfuse = scope.name === LANGFUSE_SCOPE;
  return {
    service: text('service.name'),
    sdk: isLangfuse ? LANGFUSE_SCOPE : text('telemetry.sdk.name'),
    sdkVersion: isLangfuse ? shortText(scope.version) : text('telemetry.sdk.version'),
    language: text('telemetry.sdk.language'),
  };
}

/** From whom a span came, as far as its request and its resource say. */
export function senderView({ userAgent, address, key }: RequestSender, group: ScopeGroup | undefined): SenderView {
  const client = group && clientOf(group);
  return {
    service: client?.service ?? null,
    sdk: client?.sdk ?? null,
    sdkVersion: client?.sdkVersion ?? null,
    ...{ userAgent: shortText(userAgent), address: address ?? null, key: key ?? null },
  };
}

/** Anybody can write anything of any length there. */
export const shortText = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? cutText(value, CHARACTERS_MAX) : null;

/** A copy where it is cut: a slice of a string holds all of it in memory. */
export const cutText = (text: string, charactersMax: number): string =>
  text.length <= charactersMax ? text : Buffer.from(text.slice(0, charactersMax)).toString();
