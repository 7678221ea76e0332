import type { ServerResponse } from 'node:http';
import { GatewayError, retrySoon } from '../errors';
import type { Accept, Accepted } from './accept';
import { type DoorBudget, type DoorTicket, declaredLength, readBody } from './body';
import { isKnownCoding, unsupportedCoding } from './codings';
import { createEntrance } from './entrance';
import type { BodyFormat, Format } from './format';
import type { GateRequest, Sender } from './gate';
import { requestedContext } from './trace-context';

export interface IngestOptions {
  accept: Accept;
  /** Resolves when a body for that destination may come in; what it resolves to is called when its spans are kept or it has failed. */
  room: (destination: string | undefined) => Promise<() => void>;
  /** Why reading a body would be in vain, for its spans cannot be kept; `undefined` when it would not. */
  trouble: () => string | undefined;
  random: () => number;
  bodyBytesMax: number;
  budget: DoorBudget;
}

/** What the ingest paths differ in. */
export interface Dialect {
  /** By the Content-Type header: `sniff` where the body has to tell, `undefined` where it is none of these. */
  formatOf(contentType: string | undefined): BodyFormat | 'sniff' | undefined;
  /** By the body itself. */
  sniff(body: Buffer): BodyFormat | undefined;
  /** Content types to send, as a 415 names them. */
  readonly contentTypes: string;
  /** What is wrong with a body that has no type and is none of these: "is neither .. nor ..; ..". */
  readonly unknownBody: string;
}

/** A request past the gate, and what is found out about it on the way. */
export interface Visit {
  readonly sender: Sender;
  /** Of the answer, once the body has told. */
  format?: Format;
}

/** What became of a body; `undefined`: its sender has been refused meanwhile, and nothing was kept. */
export type Ingested = { readonly format: BodyFormat; readonly accepted: Accepted } | undefined;

export type Ingest = (
  request: GateRequest,
  response: ServerResponse,
  visit: Visit,
  dialect: Dialect,
) => Promise<Ingested>;

/** A page's body is small. One that drips holds its share of the door. */
const BROWSER_BODY_MS = 60_000;

/** The way of every body from its headers to the queue, in whatever dialect. */
export function createIngest(options: IngestOptions): Ingest {
  const { accept, room, trouble, random, bodyBytesMax, budget } = options;
  const enter = createEntrance(budget, random);
  return async (request, response, visit, dialect) => {
    const { sender } = visit;
    const declared = dialect.formatOf(request.headers['content-type']);
    if (declared === undefined) throw unsupportedType(request, dialect);
    const contentEncoding = request.headers['content-encoding'];
    if (!isKnownCoding(contentEncoding)) throw unsupportedCoding(contentEncoding);
    const why = trouble();
    if (why !== undefined) throw retrySoon(`${why}; the spans were not read`, random);
    const charge = sender.charge(declaredLength(request));
    const offered = await room(sender.key?.destination);
    let ticket: DoorTicket | undefined;
    try {
      if (isRefused(response)) return undefined;
      ticket = enter({ ...sender, declaredBytes: declaredLength(request) });
      const stopClock = sender.key?.browser ? limitTime(request) : () => {};
      const bytes = await readBody(request, { response, bodyBytesMax, ticket, onBytes: charge.body })
        .catch((error) => {
          throw declared === 'sniff' ? unreadable(error) : error;
        })
        .finally(stopClock);
      const format = declared === 'sniff' ? dialect.sniff(bytes) : declared;
      if (format === undefined) throw unknownBody(dialect);
      visit.format = format === 'protobuf' ? 'protobuf' : 'json';
      if (isRefused(response)) return undefined;
      const accepted = await accept({
        ...{ format, bytes, traceContext: requestedContext(request) },
        ...{ destination: sender.key?.destination, policy: sender.policy, onRead: charge.read },
        sender: { userAgent: request.headers['user-agent'], address: request.ip, key: sender.key?.name },
      });
      charge.kept(accepted.accepted);
      return { format, accepted };
    } catch (error) {
      charge.undo();
      throw error;
    } finally {
      ticket?.leave();
      offered();
    }
  };
}

/** Ends a body that takes too long; to be called when it is there. */
function limitTime(request: GateRequest): () => void {
  const timer = setTimeout(() => {
    // An error of the stream is what makes the reading of the body end.
    request.emit('error', new GatewayError('timeout', 'the body took too long to arrive'));
  }, BROWSER_BODY_MS);
  return () => clearTimeout(timer);
}

/** At the end of a shutdown nobody waits for what is under way: a body is not kept whose sender was told to send it again. */
const isRefused = (response: ServerResponse) => response.headersSent;

const unknownBody = (dialect: Dialect) => new GatewayError('unsupported_media', `the body ${dialect.unknownBody}`);

/** A body of no declared type that cannot be decompressed: its type cannot be told. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof GatewayError) || error.code !== 'bad_request') return error;
  return new GatewayError('unsupported_media', `the type of the body cannot be told: ${error.message}`, {
    cause: error,
  });
}

function unsupportedType(request: GateRequest, { contentTypes }: Dialect): GatewayError {
  const form = request.headers['content-type']?.includes('form-urlencoded') === true;
  const hint = form ? '; curl -d sends a form unless told -H "Content-Type: application/json"' : '';
  return new GatewayError('unsupported_media', `unsupported Content-Type; known are ${contentTypes}${hint}`, {
    headers: { Accept: contentTypes.replace(' and ', ', ').replace(' or ', ', ') },
  });
}
