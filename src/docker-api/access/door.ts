/** Effects: which client comes in: what the certificate says, or a follower for it. A client that is nobody any more is cut off at once. */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { People } from '../../contracts/index.ts';
import { ArpanetError } from '../../model/index.ts';
import {
  type AllowedHosts,
  type Identity,
  noteClient,
  noteIdentity,
  type Client,
  CLIENT_HEADER,
  clientIn,
  isFromScheduler,
  isJoining,
  isNameless,
  refuseFetched,
  requestPeer,
  seesAll,
  SESSION_PATH,
  sessionIn,
  signClient,
  verifiedClient,
  vouch,
  vouchedPeer,
} from '../../security/index.ts';
import { fromOf, UNIX } from '../connections.ts';
import { type Refused, refuseForeign } from '../guards.ts';

/** The people, and how schedulers tell each other whom they speak for. */
export interface Doors {
  /** At the leader. Throws `not-leader`. */
  readonly people: () => People;
  /** A secret that schedulers alone have. Rejects with `unavailable`. */
  readonly secret: () => Promise<string>;
}

/** Disposal forgets everybody, and watches nobody any more. */
export interface Doorkeeper extends Disposable {
  /** At any scheduler, before anything else looks at a request that came by TLS: headers that schedulers alone send are taken from it, unless its certificate is a scheduler's. */
  readonly meet: (req: IncomingMessage) => void;
  /** At the leader, of a request that came by TLS: its certificate is of somebody who sees everything as it is. False also where only `enter` can say. */
  readonly seesAll: (req: IncomingMessage) => boolean;
  /**
   * At any scheduler, before anything else looks at a request: what a web page asks; and at the leader what an Engine may ask for somebody who may not do
   * everything, as long as there is somebody like that. Of a Unix socket nothing is.
   */
  readonly refuse: (req: IncomingMessage, isSocket: boolean) => Refused | undefined;
  /** At the leader: notes who asks, until `answer` is closed. Rejects with `unauthorized`. */
  readonly enter: (req: IncomingMessage, socket: Duplex, answer: EventEmitter, requestId: string) => Promise<void>;
  /** At the leader, for a request of a host: notes whose certificate a follower says that it came with. Rejects with `unauthorized`. */
  readonly vouch: (req: IncomingMessage, requestId: string) => Promise<void>;
  /** At a follower: the header that tells the leader who asks, on this request or on one in its place; empty without a certificate. */
  readonly header: (
    req: IncomingMessage,
    requestId: string,
    as?: Pick<IncomingMessage, 'method' | 'url'>,
  ) => Promise<Record<string, string>>;
  /** At a follower: whose certificate a request of a client came with; undefined: without one. Rejects with `unauthorized`. */
  readonly client: (req: IncomingMessage) => Promise<Client | undefined>;
  /** This scheduler leads from now on, or does not any more. */
  readonly leads: (isLeader: boolean) => void;
}

interface Guest {
  readonly peer: Client;
  readonly identity: Identity | undefined;
  readonly socket: Duplex;
}

/** A scheduler passes on whose request it is. */
export const isSaid = ({ headers }: IncomingMessage): boolean => headers[CLIENT_HEADER.toLowerCase()] !== undefined;
/** It came from somebody who is looked up. */
export const isNamed = (req: IncomingMessage): boolean => (req.socket instanceof TLSSocket && !isFromScheduler(req)) || isSaid(req);
/** What is asked by who is nobody yet: who they are is known by what they show there. */
export const isOpen = (path: string): boolean => isJoining(path) || path === SESSION_PATH;

const isSame = (a: Identity | undefined, b: Identity | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

export function createDoorkeeper(doors: Doors | undefined, hosts: AllowedHosts): Doorkeeper {
  const peers = new WeakMap<Duplex, Client>();
  const guests = new Set<Guest>();
  let term = new AbortController();
  let leads = false;

  /** Whose certificate was shown, or whose session the browser has. Rejects with `unauthorized`. */
  async function client(req: IncomingMessage, socket: TLSSocket): Promise<Client> {
    if (!isNameless(socket)) return shown(socket);
    const found = doors && sessionIn(await doors.secret(), req.headers.cookie, Date.now());
    if (found === undefined) throw new ArpanetError('unauthorized', 'the session is over: "arpanet ui" begins another');
    return { ...found, from: socket.remoteAddress ?? '', isSession: true };
  }

  /** Throws `unauthorized`. */
  function shown(socket: TLSSocket): Client {
    const known = peers.get(socket) ?? shownOn(socket);
    if (known === undefined) throw new ArpanetError('unauthorized', 'a client certificate is needed');
    peers.set(socket, known);
    return known;
  }

  const forwarded = (req: Pick<IncomingMessage, 'method' | 'url'>, requestId: string) => ({
    method: req.method ?? '',
    url: req.url ?? '',
    requestId,
  });

  async function named(req: IncomingMessage, requestId: string): Promise<Client | undefined> {
    const value = req.headers[CLIENT_HEADER.toLowerCase()];
    if (req.socket instanceof TLSSocket && !isFromScheduler(req)) return await client(req, req.socket);
    // what a scheduler asks by itself, and what its clients without a certificate ask
    if (value === undefined) return undefined;
    if (doors === undefined) throw unproven();
    const found = verifiedClient(await doors.secret(), String(value), forwarded(req, requestId));
    if (found === undefined) throw unproven();
    return found;
  }

  function areLimited(): boolean {
    try {
      return doors?.people().areLimited() ?? false;
    } catch {
      return true; // nobody can say
    }
  }

  function look(): void {
    for (const { peer: one, identity, socket } of guests) {
      let now: Identity | undefined;
      try {
        now = doors?.people().identify(one);
      } catch {
        socket.destroy();
        continue;
      }
      if (!isSame(now, identity)) socket.destroy();
    }
  }

  return {
    meet(req) {
      const { headers } = req;
      if (isFromScheduler(req)) return;
      for (const name of Object.keys(headers)) if (name.startsWith('arpanet-')) delete headers[name];
    },
    seesAll(req) {
      const peer = isFromScheduler(req) ? undefined : peers.get(req.socket);
      if (peer === undefined || doors === undefined) return false;
      try {
        const identity = doors.people().identify(peer);
        return identity === undefined || seesAll(identity);
      } catch {
        return false;
      }
    },
    refuse(req, isSocket) {
      if (isSocket) return undefined;
      const { 'user-agent': agent, upgrade } = req.headers;
      const isFetched = leads && !isNamed(req) && fromOf(req) !== UNIX;
      const fetched = isFetched ? refuseFetched(agent, req.url ?? '/', upgrade !== undefined) : undefined;
      if (fetched !== undefined && areLimited()) return { status: 403, message: fetched };
      return refuseForeign(req, hosts);
    },
    async enter(req, socket, answer, requestId) {
      const found = await named(req, requestId);
      if (found === undefined || doors === undefined) return;
      noteClient(req, found);
      const identity = doors.people().identify(found);
      if (identity !== undefined) noteIdentity(req, identity);
      const guest: Guest = { peer: found, identity, socket };
      guests.add(guest);
      const leave = (): void => {
        guests.delete(guest);
        socket.off('close', leave);
        answer.off('close', leave);
      };
      socket.once('close', leave);
      answer.once('close', leave);
      if (socket.destroyed) leave();
    },
    async vouch(req, requestId) {
      const isSaid = req.headers[CLIENT_HEADER.toLowerCase()] !== undefined;
      if (!isSaid && !isFromScheduler(req)) return;
      const found = isSaid ? await named(req, requestId) : undefined;
      vouch(req, found && vouchedPeer(found));
    },
    async header(req, requestId, as = req) {
      if (!(req.socket instanceof TLSSocket) || doors === undefined || isFromScheduler(req)) return {};
      const peer = requestPeer(req);
      const path = (req.url ?? '').split('?', 1)[0] ?? '';
      if ((peer === undefined && isJoining(path)) || path === SESSION_PATH) return {};
      const found = await client(req, req.socket);
      return { [CLIENT_HEADER]: signClient(await doors.secret(), found, forwarded(as, requestId)) };
    },
    async client(req) {
      return req.socket instanceof TLSSocket && doors !== undefined ? await client(req, req.socket) : undefined;
    },
    leads(isLeader) {
      leads = isLeader;
      term.abort();
      term = new AbortController();
      if (isLeader && doors !== undefined) doors.people().onChange(look, term.signal);
    },
    [Symbol.dispose]() {
      term.abort();
      guests.clear();
    },
  };
}

/** With its serial number where it was found to be of the cluster's CA. */
function shownOn(socket: TLSSocket): Client | undefined {
  const found = clientIn(socket.getPeerCertificate(true), socket.remoteAddress ?? '');
  const peer = requestPeer({ socket });
  return found && { ...found, ...(peer && { serial: peer.serial }) };
}

const unproven = (): ArpanetError => new ArpanetError('unauthorized', `${CLIENT_HEADER} is not from a scheduler of this cluster`);
