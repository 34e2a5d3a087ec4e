/**
 * Followers' copies of the view (docs/decisions/0012), at the leader: all of it to a scheduler that begins to follow, then what changes. Nothing waits for
 * a follower: one that does not read is cut off, and begins again. Effects: sockets.
 */
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { ReplicaIdentity, ReplicaMessage, ReplicaQuestion, Replicas } from '../../contracts/index.ts';
import { lines } from '../../engine/lines.ts';
import { type ContainerFacts, keys } from '../../model/index.ts';
import type { Client, Identity } from '../../security/index.ts';
import type { Ledger } from '../../store/ledger/contract.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { View } from '../view/roles.ts';
import { readReplicaQuestion, REPLICA_HEADER, REPLICA_PROTOCOL } from './messages.ts';
import { sinceOf, type ReportingView, reportingView } from './reporting-view.ts';

const UNSENT_LIMIT_BYTES = 64 * 1024 * 1024;
/** Of what a follower gets at first: no more than this waits in this process. */
const PIECE_BYTES = 256 * 1024;
const QUESTION_LIMIT_BYTES = 1024 * 1024;
/** What of the store lists show without the view. */
const STORED = [keys.networks, keys.volumes];

export interface ReplicaSource extends Replicas {
  /** The same view; what is changed by it is reported. */
  readonly reporting: (view: View) => ReportingView;
}

export interface ReplicaSourceParts {
  readonly ledger: Pick<Ledger, 'get' | 'list' | 'watch'>;
  readonly epoch: number;
  /** Resolves when the view shows all that clients were answered; undefined: that cannot be said. */
  readonly now: () => Promise<true | undefined>;
  readonly log: Logger;
}

type Identify = (client: Client) => Identity | undefined;

export function createReplicaSource({ ledger, epoch, now, log }: ReplicaSourceParts, lost: AbortSignal): ReplicaSource {
  const followers = new Set<Duplex>();
  const execs = new Set<string>();
  let view: ReportingView | undefined;

  lost.addEventListener('abort', () => {
    for (const socket of followers) socket.destroy();
  });
  for (const prefix of STORED) ledger.watch(prefix, (key) => report(stored(key)));

  function stored(key: string): ReplicaMessage {
    const value = ledger.get<unknown>(key);
    return { type: 'stored', key, ...(value !== undefined && { value }) };
  }

  function report(message: ReplicaMessage): void {
    if (followers.size === 0) return;
    const line = lineOf(message);
    for (const socket of followers) {
      if (line === undefined) socket.destroy();
      else write(socket, line);
    }
  }

  /** Undefined: no text is as long, and who follows must begin again. A change is never left out, and never fails for its report. */
  function lineOf(message: ReplicaMessage): string | undefined {
    try {
      return `${JSON.stringify(message)}\n`;
    } catch (err) {
      log.warn({ err, type: message.type }, 'a change of the view cannot be written for followers: they begin again');
      return undefined;
    }
  }

  function write(socket: Duplex, line: string): void {
    if (socket.destroyed) return;
    if (socket.writableLength > UNSENT_LIMIT_BYTES) socket.destroy();
    else socket.write(line);
  }

  /** As things are at the moment when each is sent: what changes between is reported besides. */
  async function sendAll(socket: Duplex, { read, images, recordsSet, lost: lostIds }: ReportingView): Promise<void> {
    const say = async (message: ReplicaMessage): Promise<void> => {
      const line = `${JSON.stringify(message)}\n`;
      write(socket, line);
      if (!socket.destroyed && socket.writableLength > PIECE_BYTES) await drained(socket);
    };
    await say({ type: 'begin', epoch });
    for (const prefix of STORED) for (const [key] of ledger.list(prefix)) await say(stored(key));
    await say({ type: 'lost', ids: [...lostIds()] });
    for (const name of recordsSet.keys()) {
      const record = recordsSet.get(name);
      if (record !== undefined) await say({ type: 'record', name, record });
    }
    for (const container of execs) await say({ type: 'exec', container });
    for (const { name: host } of read.hosts()) {
      const one = read.host(host);
      if (one === undefined) continue;
      const { record, facts, state, why, isCutOff = false } = one;
      await say({ type: 'host', record, ...(facts && { facts }) });
      await say({ type: 'host-state', host, state, isCutOff, ...(why !== undefined && { why }) });
      await say({ type: 'networks', host, networks: read.networksOn(host) });
      await say({ type: 'images', host, images: images.on(host).images, since: sinceOf(images.on(host)) });
      await say({ type: 'volumes', host, volumes: read.host(host)?.volumes ?? [] });
      for (const { id } of read.containersOn(host)) {
        const container = socket.destroyed ? undefined : read.byId(id);
        if (container?.host === host) await say(upsert(host, container.facts));
      }
      // what else the leader does goes on meanwhile
      await turn();
      if (socket.destroyed) return;
    }
    await say({ type: 'whole' });
  }

  async function answer(socket: Duplex, { ask, who }: ReplicaQuestion, identify: Identify): Promise<void> {
    const isNow = await now();
    if (socket.destroyed) return;
    const message: ReplicaMessage = { type: 'now', ask, ...(isNow === true ? { who: who.map((one) => said(one, identify)) } : {}) };
    write(socket, `${JSON.stringify(message)}\n`);
  }

  async function serve(socket: Duplex, identify: Identify, of: ReportingView): Promise<void> {
    followers.add(socket);
    try {
      const sent = sendAll(socket, of).catch((error: unknown) => {
        socket.destroy();
        throw error;
      });
      inBackground(log, 'a copy of the view for a follower', sent);
      // no question waits for what one before it waits for
      for await (const line of lines(socket, QUESTION_LIMIT_BYTES))
        inBackground(log, 'an answer to a follower', answer(socket, readReplicaQuestion(line), identify));
    } catch (err) {
      if (!socket.destroyed) log.warn({ err }, 'closed the stream of a follower');
    } finally {
      followers.delete(socket);
      socket.destroy();
    }
  }

  return {
    reporting: (whole) => (view = reportingView(whole, () => followers.size > 0, report)),
    execMade(container) {
      execs.add(container);
      if (execs.size > 1_000) for (const id of execs) if (view?.read.byId(id) === undefined) execs.delete(id);
      report({ type: 'exec', container });
    },
    accept(req, socket, head, identify) {
      socket.on('error', () => socket.destroy());
      const why = lost.aborted ? 'this scheduler no longer leads' : spokenFault(req.headers[REPLICA_HEADER]);
      if (why !== undefined || view === undefined) return refuse(socket, why ?? 'this scheduler has no view yet');
      if (head.length > 0) socket.unshift(head);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: arpanet\r\n\r\n');
      inBackground(log, 'the stream of a follower', serve(socket, identify, view));
    },
  };
}

/** Of another release it gets no copy: it passes everything on. */
const spokenFault = (spoken: string | readonly string[] | undefined): string | undefined =>
  spoken === REPLICA_PROTOCOL ? undefined : `the copy of the view is of protocol ${REPLICA_PROTOCOL}, and ${String(spoken)} is asked for`;

const upsert = (host: string, facts: ContainerFacts): ReplicaMessage => ({ type: 'containers', host, upserts: [facts], removes: [] });

function said(client: Client, identify: Identify): ReplicaIdentity {
  try {
    const identity = identify(client);
    return identity === undefined ? {} : { identity };
  } catch {
    return { isRefused: true };
  }
}

const drained = (socket: Duplex): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.once('drain', done).once('close', done);
  });

function refuse(socket: Duplex, message: string): void {
  const body = `${JSON.stringify({ message })}\n`;
  socket.end(
    `HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
