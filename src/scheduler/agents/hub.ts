/**
 * The agents' streams, seen from the leader: one session a host. Effects: sockets and timers.
 * The endpoint hands over upgraded sockets; what arrives goes to `heard` in order, one message after the other.
 */
import { lines } from '../../engine/lines.ts';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type AgentCall,
  type AgentMessage,
  ArpanetError,
  type CutHost,
  type HostFacts,
  isKind,
  type LeaderMessage,
  protocolFault,
} from '../../model/index.ts';
import { MAX_EPOCH_STEP, readAgentMessage, readCallResult } from '../../schemas/index.ts';
import { requestPeer } from '../../security/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { guarded, inBackground, reportFault } from '../../telemetry/faults.ts';
import { requestNow, traced } from '../../telemetry/request-scope.ts';
import type { HostCertificates, SchedulerDeps } from '../deps.ts';
import { agentError } from './agent-error.ts';
import type { AgentReport } from './agent-report.ts';
import { apiWindowFault, createWindows, engineFault, impostorFault, tokenFault } from './join-rules.ts';
import { createCutHosts } from './cut-hosts.ts';

const LINE_LIMIT_BYTES = 64 * 1024 * 1024;
const UNSENT_LIMIT_BYTES = 64 * 1024 * 1024;
const HELLO_TIMEOUT_MS = 10_000;
/** Hosts that lose their leader come back one a millisecond, and no later than this. */
const MOST_SPREAD_MS = 3_000;
/** A call to a host whose stream is just being dialled again waits this long for it. */
const RECONNECT_WAIT_MS = 3_000;

export interface HubDeps {
  readonly token: () => string;
  readonly certificates: Pick<HostCertificates, 'refusal' | 'isCertified'>;
  readonly epoch: number;
  readonly leader: string;
  readonly clusterId: string;
  readonly hostDownMs: number;
  /** How many hosts the cluster has. */
  readonly members: () => number;
  readonly log: Logger;
  readonly now: () => number;
  /** Records a host that says hello; what it throws is sent to the agent as a refusal. */
  readonly joined: (facts: HostFacts) => Promise<void>;
  /** The host has its welcome: the time to tell it what it should have. */
  readonly welcomed: (host: string) => void;
  /** `bytes`: as long as it was on the wire. */
  readonly heard: (host: string, message: AgentReport, bytes: number) => void;
  /** Undefined: nobody here asks Consul, and queries for it get no answer. */
  readonly askConsul?: SchedulerDeps['askConsul'];
  /** `reason`: what was wrong with its last message, if that ended its stream. */
  readonly left: (host: string, reason: string | undefined) => void;
  /** Its hello was refused. */
  readonly refused: (host: string, reason: string) => void;
  /** An agent has seen a higher epoch: another leads, or the store is older than that. */
  readonly superseded: (epoch: number) => void;
}

export interface Hub {
  /** Takes an upgrade request's socket: answers 101 or refuses, and owns the socket from then on. */
  readonly accept: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Asks the host's agent and resolves with its result. Throws `unavailable` without a stream, `timeout`, or what the agent answered. */
  readonly call: (host: string, request: AgentCall, timeoutMs: number, signal?: AbortSignal) => Promise<unknown>;
  /** Resolves true when the message has left this process, false when it cannot. */
  readonly send: (host: string, message: LeaderMessage) => Promise<boolean>;
  /** It has a stream, and was not abandoned. */
  readonly connected: (host: string) => boolean;
  readonly hosts: () => readonly string[];
  /** Hosts whose stream was ended or refused lately, and why. */
  readonly cut: () => readonly CutHost[];
  /** Malformed messages of agents, since the election. */
  readonly malformedMessages: () => number;
  /** Ends the host's stream. With `refused` its agent is sent the reason why it cannot come back; without, it reconnects and reports everything again. */
  readonly drop: (host: string, refused?: string) => void;
  /** Nothing comes from the host any more: what is asked of it fails, for this reason. If it speaks again, its stream is ended, and it comes back with everything. */
  readonly abandon: (host: string, why: string) => void;
  /** Makes the host say something, now; nobody waits for it. */
  readonly echo: (host: string) => void;
  /** When it said anything last, in ms of the leader's clock; undefined: it has no stream. */
  readonly heardMs: (host: string) => number | undefined;
}

interface Session {
  readonly facts: HostFacts;
  readonly socket: Duplex;
  readonly calls: Map<number, { readonly method: AgentCall['method']; resolve(value: unknown): void; reject(error: Error): void }>;
  heardMs: number;
  /** Why nothing is asked of it any more. */
  silence?: string | undefined;
}

type Question = Extract<AgentMessage, { readonly type: 'ask-consul' }>;

export function createHub(deps: HubDeps, lost: AbortSignal): Hub {
  const { log, now } = deps;
  const sessions = new Map<string, Session>();
  const sockets = new Set<Duplex>();
  const waiting = new Map<string, Set<(session: Session) => void>>();
  const cut = createCutHosts(now);
  const windows = createWindows();
  let lastCall = 0;

  lost.addEventListener('abort', () => {
    for (const socket of sockets) socket.destroy();
  });

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    if (lost.aborted) return refuseHttp(socket, '503 Service Unavailable', 'this scheduler no longer leads');
    const peer = requestPeer(request);
    const why = peer === undefined ? tokenFault(request, deps.token()) : deps.certificates.refusal(peer);
    if (why !== undefined) {
      log.warn({ from: request.socket.remoteAddress, why }, 'refused an agent');
      return refuseHttp(socket, peer === undefined ? '401 Unauthorized' : '403 Forbidden', why);
    }
    if (head.length > 0) socket.unshift(head);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: arpanet\r\n\r\n');
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    inBackground(log, 'the stream of an agent', serve(socket, peer?.name));
  }

  /** `certified`: the host that its certificate is of; undefined: it has none. */
  async function serve(socket: Duplex, certified: string | undefined): Promise<void> {
    const helloTimer = setTimeout(() => socket.destroy(), HELLO_TIMEOUT_MS);
    let session: Session | undefined;
    let greeted: string | undefined;
    try {
      for await (const line of lines(socket.iterator({ destroyOnReturn: false }), LINE_LIMIT_BYTES)) {
        const message = readAgentMessage(line);
        if (message === undefined) continue;
        if (session === undefined) {
          clearTimeout(helloTimer);
          if (message.type !== 'hello') throw new ArpanetError('invalid', `the first line of the stream was ${message.type}, not hello`);
          greeted = certified ?? message.facts.name;
          const impostor = impostorFault(message.facts, certified, deps.certificates.isCertified);
          if (impostor !== undefined) throw new ArpanetError('forbidden', impostor);
          session = await welcome(socket, message);
        } else {
          // What it was not sent meanwhile, it gets when it comes again.
          if (session.silence !== undefined) break;
          session.heardMs = now();
          hear(session, message, line.length);
        }
      }
    } catch (error) {
      if (!socket.destroyed && !lost.aborted) {
        const why = error instanceof Error ? error.message : String(error);
        const host = session?.facts.name ?? greeted;
        if (isKind(error, 'invalid', 'too-large')) {
          const refusedForMs = cut.malformed(session?.facts.name, why);
          log.error({ host, reason: why, refusedForMs }, 'an agent sent a malformed message; its host is refused for a while');
        } else {
          if (!(error instanceof ArpanetError) && !(error instanceof Error && 'code' in error))
            reportFault(log, 'a message of an agent', error);
          log.warn({ host, err: error }, 'closed the stream of an agent');
          if (session === undefined && greeted !== undefined && !isKind(error, 'not-leader')) refused(greeted, why);
        }
        // No fault of the host's: it finds the new leader at another scheduler.
        if (isKind(error, 'not-leader')) socket.end();
        else socket.end(refusal(why, isKind(error, 'forbidden')));
      }
    } finally {
      clearTimeout(helloTimer);
      if (session !== undefined) drop(session);
      // What was said last (a refusal) still leaves; a peer that does not read is not waited for.
      if (!socket.destroyed) {
        const linger = setTimeout(() => socket.destroy(), 1_000);
        socket.once('close', () => clearTimeout(linger));
        if (!socket.writableEnded) socket.end();
      }
    }
  }

  function refused(host: string, why: string): void {
    // If it is connected, this was another that took its name.
    if (cut.refused(host, why) && !sessions.has(host)) deps.refused(host, why);
  }

  async function welcome(socket: Duplex, hello: Extract<AgentMessage, { type: 'hello' }>): Promise<Session> {
    const { facts, epoch, clusterId = deps.clusterId, networks = 0 } = hello;
    const penalty = cut.penaltyOf(facts.name);
    if (penalty !== undefined)
      throw new ArpanetError('conflict', `the agent of host ${facts.name} sent a malformed message (${penalty}); try again later`);
    const skew = protocolFault(`the agent of host ${facts.name}`, hello.protocol);
    if (skew !== undefined) throw new ArpanetError('conflict', skew);
    const unfit = engineFault(facts) ?? apiWindowFault(facts, windows.besides(facts.name));
    if (unfit !== undefined) throw new ArpanetError('conflict', unfit);
    const isOurs = clusterId === deps.clusterId || clusterId === '';
    if (!isOurs && networks > 0) {
      const why = `host ${facts.name} has ${networks} networks in use of cluster ${clusterId.slice(0, 12)}, and this is cluster ${deps.clusterId.slice(0, 12)}`;
      log.error({ host: facts.name }, `${why}: is the state store lost?`);
      throw new ArpanetError(
        'conflict',
        `${why}: if the store was lost, use "arpanet recover" or "arpanet restore"; to move the host, remove its containers first`,
      );
    }
    if (isOurs && epoch > deps.epoch + MAX_EPOCH_STEP)
      throw new ArpanetError(
        'conflict',
        `host ${facts.name} reports epoch ${epoch}, which no election can have reached (this is epoch ${deps.epoch}): its file "epoch" is damaged; stop its agent, delete that file from its data directory, and start the agent again`,
      );
    if (isOurs && epoch > deps.epoch) {
      deps.superseded(epoch);
      throw new ArpanetError('not-leader', `this leader's epoch ${deps.epoch} is over: the agent has seen ${epoch}`);
    }
    const before = sessions.get(facts.name);
    if (before !== undefined && before.facts.address !== facts.address && now() - before.heardMs < deps.hostDownMs) {
      throw new ArpanetError(
        'conflict',
        `the name ${facts.name} is taken: a host at ${before.facts.address} has it, and another at ${facts.address} asks for it; give one of them another --name`,
      );
    }
    await deps.joined(facts);
    const session: Session = { facts, socket, calls: new Map(), heardMs: now() };
    const older = sessions.get(facts.name);
    sessions.set(facts.name, session);
    if (older !== undefined) windows.leave(older.facts);
    windows.enter(facts);
    if (older !== undefined) {
      failCalls(older);
      older.socket.destroy();
    }
    say(socket, {
      type: 'welcome',
      epoch: deps.epoch,
      leader: deps.leader,
      clusterId: deps.clusterId,
      compares: true,
      spreadMs: Math.min(deps.members(), MOST_SPREAD_MS),
    });
    log.info({ host: facts.name, address: facts.address }, 'host joined');
    deps.welcomed(facts.name);
    for (const wake of waiting.get(facts.name) ?? []) wake(session);
    return session;
  }

  function hear(session: Session, message: AgentMessage, bytes: number): void {
    if (sessions.get(session.facts.name) !== session) return;
    if (message.type === 'hello') throw new ArpanetError('invalid', 'a second hello on one stream');
    if (message.type === 'beat') say(session.socket, { type: 'beat' });
    if (message.type === 'ask-consul') return askConsul(session.socket, message);
    if (message.type !== 'done') return deps.heard(session.facts.name, message, bytes);
    const call = session.calls.get(message.call);
    session.calls.delete(message.call);
    if (call === undefined) return undefined;
    if (message.error !== undefined) return call.reject(agentError(message.error));
    try {
      return call.resolve(readCallResult(call.method, message.result));
    } catch (error) {
      call.reject(
        new ArpanetError('unavailable', `host ${session.facts.name} gave a malformed answer to ${call.method}`, { cause: error }),
      );
      throw error;
    }
  }

  const askConsul = guarded(log, 'a query for Consul', async (socket: Duplex, { ask, query, transport }: Question) => {
    const answer = await deps.askConsul?.(Buffer.from(query, 'base64'), transport);
    say(socket, { type: 'consul-answer', ask, ...(answer !== undefined && { answer: answer.toString('base64') }) });
  });

  function drop(session: Session): void {
    failCalls(session);
    if (sessions.get(session.facts.name) !== session) return;
    sessions.delete(session.facts.name);
    windows.leave(session.facts);
    log.info({ host: session.facts.name }, 'stream of a host ended');
    if (!lost.aborted) deps.left(session.facts.name, cut.penaltyOf(session.facts.name));
  }

  function failCalls(
    session: Session,
    why = `the connection to the agent of host ${session.facts.name} was lost during the request`,
  ): void {
    const error = new ArpanetError('unavailable', why);
    for (const call of session.calls.values()) call.reject(error);
    session.calls.clear();
  }

  async function call(host: string, request: AgentCall, timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
    const session = sessions.get(host) ?? (await comeBack(host, Math.min(timeoutMs, RECONNECT_WAIT_MS)));
    if (signal?.aborted || lost.aborted) throw new ArpanetError('unavailable', 'request cancelled');
    if (session.silence !== undefined) throw new ArpanetError('unavailable', session.silence);
    lastCall += 1;
    const [id, requestId] = [lastCall, requestNow()];
    let timer: NodeJS.Timeout | undefined;
    let abort: (() => void) | undefined;
    try {
      return await new Promise<unknown>((resolve, reject) => {
        session.calls.set(id, { method: request.method, resolve, reject });
        timer = setTimeout(
          () => reject(new ArpanetError('timeout', `host ${host} did not answer ${request.method} within ${timeoutMs} ms`)),
          timeoutMs,
        );
        abort = () => reject(new ArpanetError('unavailable', 'request cancelled'));
        signal?.addEventListener('abort', abort);
        say(session.socket, { type: 'call', call: id, request, ...(requestId !== undefined && { requestId }) });
      });
    } finally {
      clearTimeout(timer);
      if (abort !== undefined) signal?.removeEventListener('abort', abort);
      session.calls.delete(id);
    }
  }

  function comeBack(host: string, ms: number): Promise<Session> {
    return new Promise((resolve, reject) => {
      const wakes = waiting.get(host) ?? new Set();
      waiting.set(host, wakes);
      const finish = (): void => {
        clearTimeout(timer);
        lost.removeEventListener('abort', fail);
        wakes.delete(wake);
        if (wakes.size === 0 && waiting.get(host) === wakes) waiting.delete(host);
      };
      const wake = (session: Session): void => {
        finish();
        resolve(session);
      };
      const fail = (): void => {
        finish();
        reject(new ArpanetError('unavailable', `host ${host} has no stream to this scheduler: is its agent running?`));
      };
      const timer = setTimeout(fail, ms);
      lost.addEventListener('abort', fail);
      wakes.add(wake);
    });
  }

  const say = guarded(log, 'a message to an agent', (socket: Duplex, message: LeaderMessage) => write(socket, message));

  function write(socket: Duplex, message: LeaderMessage): Promise<boolean> {
    if (socket.destroyed || socket.writableEnded) return Promise.resolve(false);
    if (socket.writableLength > UNSENT_LIMIT_BYTES) {
      // It does not read: a host in this state is as good as gone, and must not eat our memory.
      socket.destroy();
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      socket.write(`${JSON.stringify(message)}\n`, (error) => resolve(error === null || error === undefined));
    });
  }

  return {
    accept,
    call: (host, request, ...more) => traced(`agent ${request.method}`, { 'arpanet.host': host }, () => call(host, request, ...more)),
    send(host, message) {
      const session = sessions.get(host);
      return session === undefined ? Promise.resolve(false) : write(session.socket, message);
    },
    connected(host) {
      const session = sessions.get(host);
      return session !== undefined && session.silence === undefined;
    },
    hosts: () => [...sessions.keys()],
    cut: cut.list,
    malformedMessages: cut.malformedTotal,
    echo(host) {
      const session = sessions.get(host);
      if (session !== undefined) say(session.socket, { type: 'call', call: ++lastCall, request: { method: 'echo' } });
    },
    heardMs: (host) => sessions.get(host)?.heardMs,
    abandon(host, why) {
      const session = sessions.get(host);
      if (session === undefined) return;
      session.silence = why;
      failCalls(session, why);
    },
    drop(host, refused) {
      const session = sessions.get(host);
      if (session === undefined) return;
      drop(session);
      if (refused === undefined) session.socket.destroy();
      else session.socket.end(refusal(refused, true));
    },
  };
}

const refusal = (why: string, removed: boolean): string =>
  `${JSON.stringify({ type: 'refused', why, ...(removed && { removed }) } satisfies LeaderMessage)}\n`;

function refuseHttp(socket: Duplex, status: string, message: string): void {
  const body = `${JSON.stringify({ message })}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
