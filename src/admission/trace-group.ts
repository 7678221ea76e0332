/** The spans of one trace in a request, and what is known of the trace. */
export class TraceGroup {
  /** Encoded attribute fields, as latin1, by position in the table of trace attributes. */
  readonly values: (string | undefined)[] = [];
  /** Positions of which the request has told; those of which a root has. */
  settled = 0;
  fromRoot = 0;
  /** What earlier requests told of it, once somebody has asked. */
  remembered: readonly (string | undefined)[] | undefined;
  /** What a span gets, by what it lacks and by its resource. */
  readonly gifts = new Map<ResourceFacts, Map<number, Gift>>();

  /** The id as latin1 of its bytes. */
  constructor(readonly traceId: string) {}
}

/** Fields to be put behind those of a span, and which attributes they are. */
export interface Gift {
  readonly appendix: Buffer;
  readonly given: number;
}

/** What a resource says of the trace attributes of its spans. */
export interface ResourceFacts {
  /** Positions that Langfuse finds on the resource. */
  readonly has: number;
  /** What the resource says for the whole trace; the positions where it says something. */
  readonly offers: number;
  readonly values: readonly (string | undefined)[];
}
