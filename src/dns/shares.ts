/** What one client may hold of what all share: connections, and queries that wait for other servers. One that wants more gets what is left by nobody else. */
import type { Socket } from 'node:net';

/** How many may be counted at once for one client. */
export interface Counter {
  /** False: it has its share already. Else `leave` is called once. */
  readonly enter: (client: string) => boolean;
  readonly leave: (client: string) => void;
}

export function createCounter(most: number): Counter {
  const counts = new Map<string, number>();
  return {
    enter(client) {
      const now = counts.get(client) ?? 0;
      if (now >= most) return false;
      counts.set(client, now + 1);
      return true;
    },
    leave(client) {
      const left = (counts.get(client) ?? 0) - 1;
      if (left > 0) counts.set(client, left);
      else counts.delete(client);
    },
  };
}

/** The open connections of a listener (RFC 7766 section 10: limits by source address). */
export interface Connections extends Iterable<Socket> {
  /** Where there is no room the oldest one ends of the client that has the most, which may be this one. */
  readonly add: (socket: Socket, client: string) => void;
}

/** `most`: of all clients; `mostOfOne`: of each. */
export function createConnections(most: number, mostOfOne: number): Connections {
  const byClient = new Map<string, Set<Socket>>();
  let count = 0;
  const forget = (socket: Socket, client: string): void => {
    const own = byClient.get(client);
    if (own?.delete(socket) !== true) return;
    count -= 1;
    if (own.size === 0) byClient.delete(client);
  };
  const endOldest = (client: string): void => {
    const [oldest] = byClient.get(client) ?? [];
    if (oldest === undefined) return;
    forget(oldest, client);
    oldest.destroy();
  };
  return {
    add(socket, client) {
      const own = byClient.get(client) ?? new Set<Socket>();
      byClient.set(client, own.add(socket));
      count += 1;
      socket.once('close', () => forget(socket, client));
      if (own.size > mostOfOne) endOldest(client);
      if (count <= most) return;
      // walked only where all are in use
      const [greediest] = [...byClient].reduce((a, b) => (b[1].size > a[1].size ? b : a));
      endOldest(greediest);
    },
    *[Symbol.iterator]() {
      for (const own of byClient.values()) yield* own;
    },
  };
}
