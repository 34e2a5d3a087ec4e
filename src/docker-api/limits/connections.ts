/**
 * Effects: what clients hold of a scheduler by their connections alone: how many they open, how slowly they ask, and how slowly they read. A client is a
 * certificate, where it has shown one, or else an address; before a handshake is over it is the address.
 *
 * One timer of node:net for each connection finds who does nothing (its writes that make progress count). It ends no stream that is merely silent: only one
 * whose reader has left something unread, or whose request was announced and does not come.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { within } from '../../async/within.ts';
import { MOVED } from '../../engine/index.ts';
import { ArpanetError } from '../../model/index.ts';
import { openConnections, refusals } from '../request-metrics.ts';
import { clientAt, clientWith, CLUSTER, type ClientLimits, createShares, LOCAL, type Shares } from './shares.ts';

/** Requests that one connection may have unanswered: Docker's clients wait for each answer. */
const PIPELINED = 32;
/** Connections over a client's share that get an answer; more are closed silently. */
const ANSWERED = 64;
/** For one that gets an answer to ask something, as HTTP has no other way to answer it. */
const ASK_MS = 2_000;
/** Of the files that a process may open these are for the rest: tunnels take one for each stream, too. */
const OTHER_FILES = 1_024;

interface Kept {
  client: string;
  leave: () => void;
  socket: Duplex;
  /** Why none of its requests is answered. */
  refused: ArpanetError | undefined;
  /** Requests without a whole answer. */
  waiting: number;
  /** The last request, and how it is answered 408. */
  last: { readonly req: IncomingMessage; readonly late: () => void } | undefined;
}

/** What every connection of the endpoint passes. */
export interface Gate {
  /** A connection was accepted. False: it was ended. */
  readonly accept: (socket: Socket, isTls: boolean) => boolean;
  /** Its handshake is over: from now on it counts for its certificate. `isMember`: a host or scheduler. */
  readonly meet: (socket: TLSSocket, isMember: boolean) => void;
  /** A request has come by it. Its body is waited for no longer than the limits say: `isUpload` as long as something comes. Undefined: it is to be answered. */
  readonly hear: (req: IncomingMessage, res: ServerResponse, isUpload: boolean, late: () => void) => ArpanetError | undefined;
  /** The same for one that takes the connection. */
  readonly hearUpgrade: (req: IncomingMessage) => ArpanetError | undefined;
  /** Nothing has moved on it for as long as its timer says. */
  readonly quiet: (socket: Socket) => void;
}

/** What a connection's client has beside it. */
interface Held {
  readonly limits: ClientLimits;
  readonly client: () => string;
  /** Bytes of bodies that have come in part. */
  readonly bodies: Shares;
}

/** Of bodies that have come in part, one client may have so much in memory. */
const BODIES_BYTES = 64 * 1024 * 1024;

const gates = new WeakMap<Duplex, Held>();

export const LATE_BODY = 'the body of this request did not come within the time that a client has (--request-time)';

export const STALLED_UPLOAD = 'nothing more came of this upload for as long as a client may pause (--stall-time)';

export const tooSlow = (what: string): ArpanetError => new ArpanetError('too-slow', what);

/** The limits of whose connection this is; undefined: it is none of a client's. */
export const limitsOf = (socket: Duplex): ClientLimits | undefined => gates.get(socket)?.limits;

/** Which client has it; undefined: it is none of a client's. */
export const holderOf = (socket: Duplex): string | undefined => gates.get(socket)?.client();

/** For a body that is kept in memory until it is whole: `grow` is false where its client has too much of such bodies. One alone may have any size. */
export function bodyMemory(socket: Duplex): { readonly grow: (bytes: number) => boolean; readonly free: () => void } {
  const held = gates.get(socket);
  if (held === undefined) return { grow: () => true, free: () => undefined };
  const client = held.client();
  const { bodies } = held;
  const backs: (() => void)[] = [];
  let own = 0;
  return {
    grow(bytes) {
      const back = bodies.take(client, bytes);
      if (back === undefined) {
        if (bodies.of(client) === own) return true;
        refusals.inc({ why: 'bodies' });
        return false;
      }
      own += bytes;
      backs.push(back);
      return true;
    },
    free() {
      for (const back of backs.splice(0)) back();
    },
  };
}

/** For what precedes an upgraded stream. Rejects with `too-slow` when the time for a body is over. */
export async function inTime<T>(socket: Duplex, body: Promise<T>): Promise<T> {
  const ms = limitsOf(socket)?.requestMs;
  return ms === undefined ? await body : await within(ms, body, () => tooSlow(LATE_BODY));
}

/** From now on this connection may be silent without limit, and its reader may pause for `streamStallMs`. */
export function asStream(socket: Duplex): void {
  if (socket instanceof Socket) socket.setTimeout(limitsOf(socket)?.streamStallMs ?? 0);
}

/** The same for one that node:http has let go. */
export function asNakedStream(socket: Duplex): void {
  asStream(socket);
  socket.on('timeout', () => endUnread(socket));
}

/** True: its reader has taken nothing, and it was ended. */
function endUnread(socket: Duplex): boolean {
  if (socket.writableLength === 0) return false;
  refusals.inc({ why: 'slow-reader' });
  socket.destroy();
  return true;
}

/** How many connections a process may have, whose files each take one and their tunnels another. */
export function mostConnections(): number {
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === undefined ? Infinity : Math.max(OTHER_FILES, Math.floor((Number(soft) - OTHER_FILES) / 2));
}

/** `isPeer`: another scheduler of this cluster has this address; asked where an address has its share. */
export function createGate(limits: ClientLimits, isPeer: (address: string) => boolean): Gate {
  const kept = new WeakMap<Duplex, Kept>();
  const handshakes = new Map<string, Kept>();
  /** Nothing was asked on them yet; oldest first. */
  const silent = new Set<Kept>();
  /** All that was asked on them is answered; which rests longest comes first. */
  const resting = new Set<Kept>();
  const shares = createShares(limits.connections);
  const bodies = createShares(BODIES_BYTES);
  let answered = 0;

  const wayOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
    `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

  function enter(client: string): (() => void) | undefined {
    return shares.take(client) ?? (client !== LOCAL && isPeer(client) ? shares.take(CLUSTER) : undefined);
  }

  function follow(one: Kept, socket: Duplex): void {
    one.socket = socket;
    kept.set(socket, one);
    gates.set(socket, { limits, bodies, client: () => one.client });
    let hasMoved = false;
    socket.once(MOVED, (moved: Duplex) => {
      hasMoved = true;
      follow(one, moved);
    });
    socket.once('close', () => {
      if (hasMoved) return;
      openConnections.add(-1);
      one.leave();
      forget(one);
    });
  }

  function forget(one: Kept): void {
    silent.delete(one);
    resting.delete(one);
  }

  /** Where all are in use, who has asked nothing yet makes room, then who waits for no answer. */
  function makeRoom(): boolean {
    if (shares.total() < limits.total) return true;
    refusals.inc({ why: 'total' });
    const [oldest] = silent.size > 0 ? silent : resting;
    if (oldest === undefined) return false;
    forget(oldest);
    oldest.leave();
    oldest.socket.destroy();
    return true;
  }

  /** It gets the answer if it asks something soon. */
  function refuse(one: Kept, client: string): void {
    one.refused = overShare(client, shares);
    answered += 1;
    const timer = setTimeout(() => one.socket.destroy(), ASK_MS);
    one.socket.once('close', () => {
      answered -= 1;
      clearTimeout(timer);
    });
  }

  function asked(socket: Duplex): Kept | undefined {
    const one = kept.get(socket);
    if (one !== undefined) forget(one);
    return one;
  }

  function watchBody(one: Kept, req: IncomingMessage, isUpload: boolean, late: () => void): void {
    const isBodiless = req.headers['transfer-encoding'] === undefined && Number(req.headers['content-length'] ?? 0) === 0;
    if (isBodiless || isUpload) return;
    const timer = setTimeout(() => {
      if (req.complete) return;
      // where something of it waits here, it is not the client that is slow
      if (req.readableLength > 0) timer.refresh();
      else cutShort(late);
    }, limits.requestMs);
    const { socket } = one;
    const done = (): void => {
      clearTimeout(timer);
      socket.off('close', done);
    };
    req.once('end', done).once('close', done);
    socket.once('close', done);
  }

  return {
    accept(socket, isTls) {
      if (kept.has(socket)) return true;
      const client = clientAt(socket.remoteAddress);
      const hasRoom = makeRoom();
      const leave = hasRoom ? enter(client) : undefined;
      const isOver = leave === undefined;
      if (isOver && hasRoom) refusals.inc({ why: 'connections' });
      if (isOver && (isTls || answered >= ANSWERED || !hasRoom)) {
        socket.destroy();
        return false;
      }
      const one: Kept = { client, leave: leave ?? (() => undefined), socket, refused: undefined, waiting: 0, last: undefined };
      follow(one, socket);
      openConnections.add(1);
      if (isOver) refuse(one, client);
      else silent.add(one);
      if (isTls) {
        const way = wayOf(socket);
        handshakes.set(way, one);
        socket.once('close', () => handshakes.get(way) === one && handshakes.delete(way));
      }
      return true;
    },
    meet(socket, isMember) {
      const one = handshakes.get(wayOf(socket));
      if (one === undefined || kept.has(socket)) return;
      handshakes.delete(wayOf(socket));
      const fingerprint256 = socket.getPeerX509Certificate()?.fingerprint256;
      const client = isMember ? CLUSTER : fingerprint256 === undefined ? one.client : clientWith(fingerprint256);
      kept.set(socket, one);
      gates.set(socket, { limits, bodies, client: () => one.client });
      const raw = one.socket;
      one.socket = socket;
      if (client === one.client) return;
      const leave = shares.take(client);
      one.leave();
      one.client = client;
      one.leave = leave ?? (() => undefined);
      raw.once('close', () => one.leave());
      if (leave !== undefined) return;
      refusals.inc({ why: 'connections' });
      if (answered >= ANSWERED) socket.destroy();
      else refuse(one, client);
    },
    hear(req, res, isUpload, late) {
      const one = asked(req.socket);
      if (one === undefined) return undefined;
      if (one.refused !== undefined) return one.refused;
      one.waiting += 1;
      one.last = { req, late };
      res.once('close', () => {
        one.waiting -= 1;
        // not one that a stream has taken over
        if (one.waiting === 0 && res.writableFinished && !one.socket.destroyed) resting.add(one);
      });
      if (one.waiting > PIPELINED) {
        refusals.inc({ why: 'pipelined' });
        return new ArpanetError('too-many', `more than ${PIPELINED} requests wait on this connection: read their answers first`);
      }
      watchBody(one, req, isUpload, late);
      return undefined;
    },
    hearUpgrade: ({ socket }) => asked(socket)?.refused,
    quiet(socket) {
      const one = kept.get(socket);
      if (endUnread(socket)) return;
      // nobody asks anything of a connection that was kept
      if (one === undefined || one.waiting === 0) {
        socket.destroy();
        return;
      }
      const { req, late } = one.last ?? {};
      // where something of it waits here, it is not the client that is slow
      if (req !== undefined && late !== undefined && !req.complete && req.readableLength === 0) cutShort(late);
    },
  };
}

function cutShort(late: () => void): void {
  refusals.inc({ why: 'slow-body' });
  late();
}

function overShare(client: string, shares: Shares): ArpanetError {
  const words = client === LOCAL ? 'clients on this machine have' : 'this client has';
  return new ArpanetError('too-many', `${words} ${shares.of(client)} connections open: close some, or raise --client-connections`);
}
