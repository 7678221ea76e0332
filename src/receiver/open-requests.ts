import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GatewayError } from '../errors';

type Refuse = (error: GatewayError) => void;

/** The requests under way, so that those without an answer when the time is over can be given one. */
export interface OpenRequests {
  /** `refuse` answers this request, whatever it is waiting for. */
  add(response: ServerResponse, refuse: (error: GatewayError) => void): void;
  /** Refuses those whose answer has not begun. */
  refuseAll(error: () => GatewayError): void;
  /** Refuses the request of that connection whose answer has not begun; false where there is none. */
  refuse(connection: Duplex, error: GatewayError): boolean;
  /** True while the rest of a request is read whose answer is out already. */
  isAnswered(connection: Duplex): boolean;
}

export function createOpenRequests(): OpenRequests {
  // By connection: of requests sent one behind the other, those whose turn never came are not told that it is closed.
  const connections = new Map<Duplex, Map<ServerResponse, Refuse>>();
  const requestsOf = (socket: Duplex) => {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const requests = new Map<ServerResponse, Refuse>();
    connections.set(socket, requests);
    socket.once('close', () => connections.delete(socket));
    return requests;
  };
  return {
    add(response, refuse) {
      const requests = requestsOf(response.req.socket);
      requests.set(response, refuse);
      response.once('close', () => requests.delete(response));
    },
    refuseAll(error) {
      for (const requests of [...connections.values()]) {
        for (const [response, refuse] of [...requests]) if (!response.headersSent) refuse(error());
      }
    },
    refuse(connection, error) {
      const open = [...(connections.get(connection) ?? [])].find(([{ headersSent }]) => !headersSent);
      open?.[1](error);
      return open !== undefined;
    },
    isAnswered: (connection) => [...(connections.get(connection)?.keys() ?? [])].some(({ headersSent }) => headersSent),
  };
}
