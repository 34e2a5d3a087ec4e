/**
 * Effects: the stream to the leader. Dials the schedulers in turn for ever; on each connection: hello, the snapshot if the Engine is
 * there, then what the agent says, and a beat each second. Without a leader the host goes on as it is.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { lines } from '../../engine/events.ts';
import { openUpgrade } from '../../engine/upgrade.ts';
import { isKind } from '../../model/errors.ts';
import type { HostFacts, Load } from '../../model/facts.ts';
import type { AgentCall, AgentMessage, LeaderMessage } from '../../model/wire.ts';
import type { Logger } from '../../telemetry/log.ts';
import { asWireError } from './wire-error.ts';
import { backoffMs, connectionFault } from './stream-rules.ts';

export interface StreamDeps {
  /** URLs of schedulers. */
  readonly join: readonly string[];
  readonly token: string;
  readonly beatMs: number;
  readonly log: Logger;
  readonly facts: () => Promise<HostFacts>;
  /** What a connection opens with. What is sent from then on follows it without a gap. */
  readonly opening: (facts: HostFacts) => readonly AgentMessage[];
  readonly load: () => Load;
  /** False when the leader's epoch is over. */
  readonly welcome: (message: Extract<LeaderMessage, { type: 'welcome' }>) => boolean;
  readonly plans: (message: Extract<LeaderMessage, { type: 'plans' }>) => void;
  readonly names: (message: Extract<LeaderMessage, { type: 'names' }>) => void;
  readonly settings: (message: Extract<LeaderMessage, { type: 'settings' }>) => void;
  /** Ops took this host out of the cluster. */
  readonly removed: () => void;
  readonly keep: (message: Extract<LeaderMessage, { type: 'keep' }>) => void;
  readonly call: (request: AgentCall) => Promise<unknown>;
  readonly nowMs: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

export interface Stream {
  /** Sends on the connection there is; without one it is dropped, as the next opening tells it all. */
  send(message: AgentMessage): void;
  /** A leader has welcomed this host, and the connection to it is there. */
  isJoined(): boolean;
  /** Cuts the connection, or the dialling; the next one says hello anew, to this scheduler first if one is given. */
  restart(why: string, url?: string): void;
  readonly done: Promise<void>;
}

interface Connection {
  send(message: AgentMessage): void;
  end(why: string, isRefusal?: boolean): void;
}
interface End {
  readonly why: string;
  readonly isRefusal: boolean;
  readonly wasServed: boolean;
}

export function startStream(deps: StreamDeps, signal: AbortSignal): Stream {
  const { log, nowMs } = deps;
  let current: Connection | undefined;
  /** Aborts a dial, or the wait before the next one. */
  let attempt = new AbortController();
  let hint: string | undefined;
  let isJoined = false;

  const converse = async (socket: Socket, url: string, facts: HostFacts): Promise<End> => {
    let end: End = { why: 'the leader hung up', isRefusal: false, wasServed: false };
    let heardAtMs: number | undefined;
    let flushedAtMs = nowMs();
    const connection: Connection = {
      send: (message) => void (socket.writable && socket.write(`${JSON.stringify(message)}\n`)),
      end(why, isRefusal = false) {
        end = { ...end, why, isRefusal };
        socket.destroy();
      },
    };
    const receive = (message: LeaderMessage): void => {
      if (message.type === 'call') void answer(connection, message.call, message.request);
      else if (message.type === 'refused') {
        if (message.removed === true) deps.removed();
        connection.end(message.why, true);
      } else if (message.type === 'plans') deps.plans(message);
      else if (message.type === 'names') deps.names(message);
      else if (message.type === 'settings') deps.settings(message);
      else if (message.type === 'keep') deps.keep(message);
      else if (message.type === 'welcome') {
        if (!deps.welcome(message)) return connection.end(`epoch ${message.epoch} of leader ${message.leader} is over`);
        end = { ...end, wasServed: true };
        isJoined = true;
        log.info({ scheduler: url, leader: message.leader, epoch: message.epoch }, 'joined the leader');
      }
    };
    const beat = setInterval(() => {
      connection.send({ type: 'beat', load: deps.load() });
      if (socket.writableLength === 0) flushedAtMs = nowMs();
      const why = connectionFault({ nowMs: nowMs(), heardAtMs, flushedAtMs, backlogBytes: socket.writableLength });
      if (why !== undefined) connection.end(why);
    }, deps.beatMs);
    const onAbort = (): void => connection.end('this agent stops');
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (const message of deps.opening(facts)) connection.send(message);
      current = connection;
      for await (const line of lines(socket)) {
        const message = JSON.parse(line) as LeaderMessage;
        if (heardAtMs !== undefined || message.type === 'beat') heardAtMs = nowMs();
        receive(message);
      }
    } catch (error) {
      if (!socket.destroyed || !signal.aborted) log.debug({ err: error }, 'the stream broke');
    } finally {
      current = undefined;
      isJoined = false;
      clearInterval(beat);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
    }
    return end;
  };

  const answer = async (connection: Connection, call: number, request: AgentCall): Promise<void> => {
    try {
      connection.send({ type: 'done', call, result: await deps.call(request) });
    } catch (error) {
      log.warn({ method: request.method, err: error }, 'a call of the leader failed');
      connection.send({ type: 'done', call, error: asWireError(error) });
    }
  };

  const serve = async (url: string): Promise<End> => {
    try {
      const facts = await deps.facts();
      const { hostname, port, pathname } = new URL(url);
      const target = {
        host: hostname.replace(/^\[|\]$/g, ''),
        port: Number(port || 80),
        path: `${pathname.replace(/\/$/, '')}/arpanet/v1/agent`,
      };
      const headers = { Authorization: `Bearer ${deps.token}` };
      const socket = await openUpgrade({
        ...target,
        protocol: 'arpanet',
        headers,
        what: `scheduler ${url}`,
        signal: AbortSignal.any([signal, attempt.signal]),
        timeoutMs: 10_000,
      });
      return await converse(socket, url, facts);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { why, isRefusal: isKind(error, 'unauthorized', 'forbidden'), wasServed: false };
    }
  };

  const loop = async (): Promise<void> => {
    let failures = 0;
    for (let turn = 0; !signal.aborted; turn++) {
      attempt = new AbortController();
      const url = hint ?? deps.join[turn % deps.join.length] ?? '';
      hint = undefined;
      const end = await serve(url);
      if (signal.aborted) return;
      failures = end.wasServed ? 0 : failures + 1;
      if (end.isRefusal) log.error({ scheduler: url, why: end.why }, 'the cluster refuses this host');
      else if (failures <= 1) log.warn({ scheduler: url, why: end.why }, 'no leader: dialling on');
      const soon = AbortSignal.any([signal, attempt.signal]);
      await sleep(backoffMs(failures, end.isRefusal, deps.random()), undefined, { signal: soon }).catch(() => undefined);
    }
  };

  return {
    send: (message) => current?.send(message),
    isJoined: () => isJoined,
    restart(why, url) {
      hint = url;
      attempt.abort();
      current?.end(why);
    },
    done: loop(),
  };
}
