import type { CanonicalAttribute, CanonicalSpan, CanonicalValue } from './canonical';
import { asShown, tally, valueAt, visible, visibleRepairs } from './visible-span';

interface Carried {
  repair: string;
  /** Under which key it is written. */
  key: string;
  /** Where Langfuse reads it on a span, in order. */
  keys: readonly string[];
  /** Where it reads it on a resource: such a span lacks nothing. */
  onResource?: readonly string[];
  /** Where a resource says it for the whole trace. */
  ofResource: readonly string[];
}

const legacy = (name: string) => ['observation', 'trace'].map((owner) => `langfuse.${owner}.metadata.langfuse_${name}`);
const ENVIRONMENT = ['langfuse.environment', 'deployment.environment.name', 'deployment.environment'];

/** What Langfuse shows of a trace and reads from each of its spans; in the order in which it is written. */
const CARRIED: readonly Carried[] = [
  {
    repair: 'trace_session_id',
    key: 'session.id',
    keys: ['langfuse.session.id', 'session.id', 'gen_ai.conversation.id', ...legacy('session_id')],
    ofResource: ['langfuse.session.id', 'session.id', 'langfuse_session_id'],
  },
  {
    repair: 'trace_user_id',
    key: 'user.id',
    keys: ['langfuse.user.id', 'user.id', ...legacy('user_id')],
    ofResource: ['langfuse.user.id', 'user.id', 'langfuse_user_id'],
  },
  {
    repair: 'trace_tags',
    key: 'langfuse.trace.tags',
    keys: ['langfuse.trace.tags', 'langfuse.tags', ...legacy('tags')],
    ofResource: ['langfuse.trace.tags', 'langfuse.tags', 'langfuse_tags'],
  },
  {
    repair: 'trace_name',
    key: 'langfuse.trace.name',
    keys: ['langfuse.trace.name'],
    ofResource: ['langfuse.trace.name', 'langfuse_trace_name'],
  },
  {
    repair: 'trace_release',
    key: 'langfuse.release',
    keys: ['langfuse.release'],
    ...{ onResource: ['langfuse.release'], ofResource: ['langfuse.release'] },
  },
  {
    repair: 'trace_version',
    key: 'langfuse.version',
    keys: ['langfuse.version'],
    ...{ onResource: ['service.version'], ofResource: ['langfuse.version', 'langfuse_version'] },
  },
  {
    repair: 'trace_environment',
    key: 'langfuse.environment',
    ...{ keys: ENVIRONMENT, onResource: ENVIRONMENT, ofResource: ENVIRONMENT },
  },
  {
    repair: 'trace_public',
    key: 'langfuse.trace.public',
    keys: ['langfuse.trace.public', 'langfuse.public'],
    ofResource: ['langfuse.trace.public', 'langfuse.public'],
  },
];

/** By trace and attribute. */
type Told = Map<string, { value: CanonicalValue; isFromRoot: boolean }>;

/** What is known of the traces that went through one gateway, none of them forgotten. */
export class Traces {
  readonly #earlier: Told = new Map();

  /** How the spans of the next request leave, and how many of them each repair touches. */
  leave(request: readonly CanonicalSpan[]): { spans: CanonicalSpan[]; repairs: Record<string, number> } {
    const now: Told = new Map();
    for (const span of request) for (const carried of CARRIED) learn(now, span, carried);
    const gifts = request.map((span) => this.#gifts(span, now));
    for (const [name, told] of now) tell(this.#earlier, name, told);
    return {
      spans: request.map((span, at) => {
        const shown = visible(span);
        return { ...shown, attributes: [...shown.attributes, ...gifts[at]!.map(({ attribute }) => attribute)] };
      }),
      repairs: { ...visibleRepairs(request), ...tally(gifts.flat().map(({ repair }) => repair)) },
    };
  }

  /** Written behind all else. */
  #gifts(span: CanonicalSpan, now: Told): { repair: string; attribute: CanonicalAttribute }[] {
    return CARRIED.flatMap(({ repair, key, keys, onResource = [], ofResource }) => {
      if (firstFilled(span, keys) !== undefined || firstFilled(span.resource, onResource) !== undefined) return [];
      const ofSource = firstFilled(span.resource, ofResource);
      const name = `${span.traceId} ${repair}`;
      const told = now.get(name) ?? this.#earlier.get(name);
      const value = ofSource === undefined ? told?.value : asShown(ofSource);
      return value === undefined ? [] : [{ repair, attribute: { key, value } }];
    });
  }
}

function learn(told: Told, span: CanonicalSpan, { repair, keys, ofResource }: Carried): void {
  const own = firstFilled(span, keys);
  const value = own ?? firstFilled(span.resource, ofResource);
  if (value === undefined) return;
  const isFromRoot = own !== undefined && span.parentSpanId === '';
  tell(told, `${span.traceId} ${repair}`, { value: asShown(value), isFromRoot });
}

/** What the first span or resource says stays, until a root says something. */
function tell(told: Told, name: string, news: { value: CanonicalValue; isFromRoot: boolean }): void {
  const known = told.get(name);
  if (known === undefined || (news.isFromRoot && !known.isFromRoot)) told.set(name, news);
}

function firstFilled(owner: Parameters<typeof valueAt>[0], keys: readonly string[]): CanonicalValue | undefined {
  const values = keys.map((key) => valueAt(owner, key));
  return values.find(
    (value) => value !== undefined && !('empty' in value) && !('string' in value && value.string === ''),
  );
}
