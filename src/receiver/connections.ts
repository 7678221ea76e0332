import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** For a sender to read its last answer and hang up. */
const LINGER_MS = 5_000;
/** As long as a request may take: longer than anybody waits for an answer here. */
const STILL_MS = 300_000;

export interface Connections {
  /** Those too of which Node's HTTP knows nothing yet, because their TLS handshake is not done. */
  closeAll(): void;
  /** Those that wait for their next request and, other than Node has it, those that never sent a byte: browsers keep spare ones. */
  closeIdle(): void;
}

export interface ConnectionLimits {
  max: number;
  lingerMs?: number;
  /** How long nothing may move in either direction, be it that a sender does not read its answers. */
  stillMs?: number;
  /** Called for each connection that is closed at once, because there are `max` others. */
  onDropped: () => void;
}

/** Keeps what senders may hold open within bounds: so many connections, and none for long that leads nowhere. */
export function limitConnections(
  server: Server,
  { max, lingerMs = LINGER_MS, stillMs = STILL_MS, onDropped }: ConnectionLimits,
): Connections {
  const open = new Set<Socket>();
  // With TLS a connection is two sockets: the one below has read its handshake, the one above nothing until a request.
  const add = (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    closeAfterEnd(socket, lingerMs);
  };
  const closeIdle = server.closeIdleConnections.bind(server);
  server.maxConnections = max;
  server.setTimeout(stillMs);
  server.on('drop', onDropped);
  server.on('connection', add);
  // Of a connection with TLS this is what is ended, the one below never says so.
  server.on('secureConnection', add);
  return {
    closeAll() {
      for (const socket of open) socket.destroy();
    },
    closeIdle() {
      closeIdle();
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    },
  };
}

/** A sender that does not hang up after our end would hold the connection for ever: HTTP's time limits are over then. */
function closeAfterEnd(socket: Socket, lingerMs: number): void {
  socket.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
    socket.once('close', () => clearTimeout(timer));
  });
}
