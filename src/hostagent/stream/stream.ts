/**
 * Effects: the stream to the leader. Dials the schedulers in turn until the agent stops. Each connection begins with `hello` and, if the
 * Engine answers, a snapshot; changes follow, and a beat each second. Without a leader the host goes on as it is.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { lines } from '../../engine/lines.ts';
import { openUpgrade } from '../../engine/upgrade.ts';
import { ArpanetError, isKind } from '../../model/errors.ts';
import type { HostFacts, Load, LoadHour, ProcessFaults } from '../../model/facts.ts';
import type { AgentCall, AgentMessage, LeaderHeard, LeaderMessage } from '../../model/wire.ts';
import { MOST_LEFT_OUT, MOST_SENTENCE, readLeaderMessage } from '../../schemas/index.ts';
import { guarded, inBackground, reportFault } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { HostIdentity } from '../identity/host-identity.ts';
import { backoffMs, connectionFault } from './stream-rules.ts';
import { asWireError } from './wire-error.ts';
import { parseHostPort } from '../../text/host-port.ts';

type Message<Type extends LeaderMessage['type']> = Extract<LeaderMessage, { type: Type }>;

export interface StreamOptions {
  /** URLs of schedulers. */
  readonly join: readonly string[];
  /** The secret of the join token, for schedulers without TLS. */
  readonly token: string;
  /** Whose certificate is shown to schedulers with TLS. Without one these are not reached. */
  readonly identity?: Pick<HostIdentity, 'toScheduler' | 'forget'>;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** What this host tells a leader, and what it does with what a leader sends. */
export interface HostSide {
  readonly facts: () => Promise<HostFacts>;
  /** The first message of a connection. */
  readonly hello: (facts: HostFacts) => AgentMessage;
  /** What the leader holds of this host, as it answers. Never rejects. */
  readonly held: (message: Message<'held'>) => Promise<void>;
  readonly load: () => Load;
  /** The same object while it stays the same. */
  readonly lastHour: () => LoadHour;
  /** A sentence for each thing of the Engine that cannot be read. */
  readonly leftOut: () => readonly string[];
  /** Of this process. */
  readonly faults: () => ProcessFaults;
  /** Those that are not in the facts any more; the same list while they stay the same. */
  readonly routes: () => readonly string[] | undefined;
  /** False when this host has seen a higher epoch than the leader's. */
  readonly welcome: (message: Message<'welcome'>) => boolean;
  /** It was welcomed, and is to tell what its Engine has. */
  readonly joined: (message: Message<'welcome'>) => void;
  readonly plans: (message: Message<'plans'>) => void;
  readonly names: (message: Message<'names'>) => void;
  /** False: it is of another table than the one here. */
  readonly namesChange: (message: Message<'names-change'>) => boolean;
  readonly ingress?: (message: Message<'ingress'>) => void;
  readonly closed?: (message: Message<'closed'>) => void;
  readonly http?: (message: Message<'http'>) => void;
  readonly settings: (message: Message<'settings'>) => void;
  /** An operator removed this host from the cluster. */
  readonly removed: () => void;
  readonly keep: (message: Message<'keep'>) => void;
  readonly consulAnswer?: (message: Message<'consul-answer'>) => void;
  readonly call: (request: AgentCall) => Promise<unknown>;
}

export interface Stream {
  /** Sends on the current connection. Without one the message is dropped: the next connection begins with all there is to tell. */
  readonly send: (message: AgentMessage) => void;
  /** Resolves when what was sent has left this process; false: the connection has ended. */
  flushed(): Promise<boolean>;
  /** True while connected to a leader that has welcomed this host. */
  isJoined(): boolean;
  /** Messages of leaders that were malformed, since the start. */
  refusedMessages(): number;
  /** The leader that welcomed this host last, and how long it has been silent; undefined before the first. */
  leaderHeard(): LeaderHeard | undefined;
  /** Epoch of the leader that welcomed this host last; 0 before the first. */
  epoch(): number;
  /** Cuts the connection or the dial; the next one says hello again, to `url` first if given. */
  restart(reason: string, url?: string): void;
  /** Dials and talks until the signal aborts; never rejects. */
  run(host: HostSide, signal: AbortSignal): Promise<void>;
}

interface Connection {
  send(message: AgentMessage): void;
  flushed(): Promise<boolean>;
  end(reason: string, isRefusal?: boolean): void;
}
interface End {
  readonly reason: string;
  readonly isRefusal: boolean;
  readonly wasServed: boolean;
}

const BEAT_MS = 1_000;
const MOST_SPREAD_MS = 5_000;
/** A host that never joined is warned of after so many; about 12 s. */
const FIRST_TRIES = 15;
const DIAL_TIMEOUT_MS = 10_000;

export function createStream({ join, token, identity, log, nowMs, random }: StreamOptions): Stream {
  let current: Connection | undefined;
  /** Aborts a dial, or the wait before the next one. */
  let attempt = new AbortController();
  let preferredUrl: string | undefined;
  let isJoined = false;
  /** Of the leader that welcomed this host last: within so many ms hosts come back to the next one. */
  let spreadMs = 0;
  let epoch = 0;
  let refusedMessages = 0;
  /** When a leader that has welcomed this host said anything last. */
  let leaderAtMs = 0;

  const converse = async (socket: Socket, url: string, host: HostSide, facts: HostFacts, signal: AbortSignal): Promise<End> => {
    let end: End = { reason: 'the leader closed the connection', isRefusal: false, wasServed: false };
    let heardAtMs: number | undefined;
    let flushedAtMs = nowMs();
    const connection: Connection = {
      send(message) {
        if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
      },
      async flushed() {
        if (socket.writableNeedDrain) await drained(socket);
        flushedAtMs = nowMs();
        return !socket.destroyed;
      },
      end(reason, isRefusal = false) {
        end = { ...end, reason, isRefusal };
        socket.destroy();
      },
    };
    const answer = async ({ call, request, requestId }: Message<'call'>): Promise<void> => {
      const sinceMs = nowMs();
      try {
        connection.send({ type: 'done', call, result: await host.call(request) });
      } catch (error) {
        // a refusal is the leader's to judge
        const level = isKind(error, 'conflict', 'engine', 'not-found') ? 'info' : 'warn';
        log[level]({ method: request.method, requestId, err: error }, 'a call from the leader failed');
        connection.send({ type: 'done', call, error: asWireError(error) });
      }
      if (requestId !== undefined)
        log.debug({ method: request.method, requestId, ms: Math.round(nowMs() - sinceMs) }, 'a call from the leader for a client');
    };
    const welcome = (message: Message<'welcome'>): void => {
      epoch = message.epoch;
      if (!host.welcome(message)) return connection.end(`leader ${message.leader} has epoch ${message.epoch}, and a newer one was elected`);
      end = { ...end, wasServed: true };
      isJoined = true;
      spreadMs = Math.min(message.spreadMs ?? 0, MOST_SPREAD_MS);
      host.joined(message);
      log.info({ scheduler: url, leader: message.leader, epoch: message.epoch }, 'joined the leader');
      return undefined;
    };
    const receive = (message: NonNullable<ReturnType<typeof readLeaderMessage>>): void => {
      switch (message.type) {
        case 'unknown-call':
          return connection.send({
            type: 'done',
            call: message.call,
            error: { kind: 'unsupported', message: `this agent knows no call "${message.method}": it is of an older release` },
          });
        case 'call':
          return inBackground(log, 'a call from the leader', answer(message));
        case 'refused':
          if (message.removed === true) host.removed();
          return connection.end(message.why, true);
        case 'welcome':
          return welcome(message);
        case 'held':
          return inBackground(log, 'what the leader does not hold', host.held(message));
        case 'plans':
          return host.plans(message);
        case 'names':
          return host.names(message);
        case 'names-change':
          return host.namesChange(message) ? undefined : connection.send({ type: 'ask-names' });
        case 'ingress':
          return host.ingress?.(message);
        case 'closed':
          return host.closed?.(message);
        case 'http':
          return host.http?.(message);
        case 'settings':
          return host.settings(message);
        case 'keep':
          return host.keep(message);
        case 'consul-answer':
          return host.consulAnswer?.(message);
        default:
          return undefined;
      }
    };
    let sent: readonly string[] | undefined;
    let sentHour: LoadHour | undefined;
    const onBeat = (): void => {
      // with TLS nothing leaves within the call that writes it
      if (socket.writableLength === 0) flushedAtMs = nowMs();
      const routes = host.routes();
      const lastHour = host.lastHour();
      const leftOut = host.leftOut().slice(0, MOST_LEFT_OUT);
      connection.send({
        type: 'beat',
        load: host.load(),
        faults: host.faults(),
        ...(routes !== undefined && routes !== sent && { routes }),
        ...(lastHour !== sentHour && { lastHour }),
        ...(leftOut.length > 0 && { leftOut: leftOut.map((sentence) => sentence.slice(0, MOST_SENTENCE)) }),
      });
      sent = routes;
      sentHour = lastHour;
      if (socket.writableLength === 0) flushedAtMs = nowMs();
      const fault = connectionFault({ nowMs: nowMs(), heardAtMs, flushedAtMs, backlogBytes: socket.writableLength });
      if (fault !== undefined) connection.end(fault);
    };
    const beat = setInterval(guarded(log, 'a heartbeat', onBeat), BEAT_MS);
    const onAbort = (): void => connection.end('this agent stops');
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      connection.send(host.hello(facts));
      current = connection;
      for await (const line of lines(socket)) {
        const message = readLeaderMessage(line);
        if (message === undefined) continue;
        if (heardAtMs !== undefined || message.type === 'beat') heardAtMs = nowMs();
        receive(message);
        if (isJoined) leaderAtMs = nowMs();
      }
    } catch (error) {
      if (isKind(error, 'invalid')) {
        refusedMessages += 1;
        log.error({ scheduler: url, err: error, refusedMessages }, 'the leader sent a malformed message; closing the stream');
        end = { ...end, reason: error.message, isRefusal: true };
      } else if (!(error instanceof ArpanetError) && !(error instanceof Error && 'code' in error)) {
        reportFault(log, 'a message from the leader', error);
      } else if (!socket.destroyed || !signal.aborted) log.debug({ err: error }, 'the stream to the leader broke');
    } finally {
      current = undefined;
      isJoined = false;
      clearInterval(beat);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
    }
    return end;
  };

  const serve = async (url: string, host: HostSide, signal: AbortSignal): Promise<End> => {
    try {
      const facts = await host.facts();
      const { host: authority, pathname, protocol } = new URL(url);
      const isTls = protocol === 'https:';
      const address = parseHostPort(authority, isTls ? 443 : 80);
      if (address === undefined) throw new ArpanetError('invalid', `"${url}" has no host`);
      const dialling = AbortSignal.any([signal, attempt.signal]);
      const tls = isTls ? await identity?.toScheduler(url, dialling) : undefined;
      const socket = await openUpgrade({
        ...address,
        tls,
        path: `${pathname.replace(/\/$/, '')}/arpanet/v1/agent`,
        protocol: 'arpanet',
        headers: isTls ? {} : { Authorization: `Bearer ${token}` },
        what: `scheduler ${url}`,
        signal: dialling,
        timeoutMs: DIAL_TIMEOUT_MS,
      });
      return await converse(socket, url, host, facts, signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (url.startsWith('https:') && isKind(error, 'forbidden', 'unauthorized')) identity?.forget();
      return { reason, isRefusal: isKind(error, 'unauthorized', 'forbidden'), wasServed: false };
    }
  };

  return {
    send: (message) => current?.send(message),
    flushed: () => current?.flushed() ?? Promise.resolve(false),
    isJoined: () => isJoined,
    refusedMessages: () => refusedMessages,
    leaderHeard: () => (epoch === 0 ? undefined : { epoch, heardMsAgo: Math.round(nowMs() - leaderAtMs) }),
    epoch: () => epoch,
    restart(reason, url) {
      // a leader without TLS is not for this host: it is joined through one that has it
      preferredUrl = join[0]?.startsWith('https:') === url?.startsWith('https:') ? url : undefined;
      attempt.abort();
      current?.end(reason);
    },
    async run(host, signal) {
      let failures = 0;
      let hasJoined = false;
      for (let turn = 0; !signal.aborted; turn++) {
        attempt = new AbortController();
        const url = preferredUrl ?? join[turn % join.length] ?? '';
        preferredUrl = undefined;
        const end = await serve(url, host, signal);
        if (signal.aborted) return;
        failures = end.wasServed ? 0 : failures + 1;
        hasJoined ||= end.wasServed;
        if (end.isRefusal) log.error({ scheduler: url, reason: end.reason }, 'the cluster refuses this host');
        // hosts and schedulers may be started in any order
        else if (hasJoined ? failures <= 1 : failures === FIRST_TRIES)
          log.warn({ scheduler: url, reason: end.reason }, 'no connection to a leader; dialling again');
        if (end.wasServed) await sleep(spreadMs * random(), undefined, { signal }).catch(() => undefined);
        const either = AbortSignal.any([signal, attempt.signal]);
        await sleep(backoffMs(failures, end.isRefusal, random()), undefined, { signal: either }).catch(() => undefined);
      }
    },
  };
}

/** Resolves when it takes more again, or is closed. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
    if (socket.destroyed) done();
  });
}
