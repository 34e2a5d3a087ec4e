/**
 * Effects: a follower's endpoint. Everything goes to the leader, upgraded connections and agents' streams included.
 *
 * Over a change of leader no request gets two answers, and none is carried out twice: what never reached a leader is sent again; what may have
 * reached it is sent again only if twice is as good as once (reads; create, start, stop, rm, which the leader recognises by their request id).
 */
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { addressIn, readMessage } from '../engine/index.ts';
import { ArpanetError, isKind } from '../model/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { CONNECTION_HEADER, connectionOf, FROM_HEADER, fromHeader } from './connections.ts';
import { noteUnexpected } from './errors.ts';
import { readBody } from './json/body.ts';
import { passOn } from './proxy/forward.ts';
import { hopByHop } from './guards.ts';
import { joinSockets, refuseSocket, requestHead, takeOver } from './proxy/hijack.ts';
import { connectFault, connectToLeader, noCertificate, onceOpen } from './leader-connection.ts';
import { createLeaderHealth } from './leader-health.ts';
import { asStream } from './limits/connections.ts';
import { requestHeaders } from '../telemetry/request-scope.ts';
import { inBackground } from '../telemetry/faults.ts';
import { howToRepeat, mayLast, type Repeat } from './retry-rules.ts';

export interface FollowerDeps {
  readonly name: string;
  readonly log: Logger;
  readonly bodyLimitBytes: () => number;
  /** Where the leader is now: another scheduler, or this one itself. */
  readonly leaderUrl: () => string | undefined;
  /** How long the store's answers take, in ms. */
  readonly storeMs: () => number;
  /** Why nobody can lead, as far as this scheduler can tell. */
  readonly trouble: () => string | undefined;
  /** What tells the leader who asks; empty: nobody with a certificate. */
  readonly header: (req: IncomingMessage, requestId: string) => Promise<Record<string, string>>;
  /** For a leader that is reached by https; undefined: this scheduler has no certificate yet. */
  readonly tls: () => ConnectionOptions | undefined;
}

export interface Follower {
  answer(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<void>;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, requestId: string): Promise<void>;
  /** Streams to a leader that leads no more end; waiting requests look again. */
  leaderChanged(): void;
  close(): void;
}

const LEADER_WAIT_MS = 10_000;
/** Calls to the store, one after the other, from a leader's death to the next one's first answer; two more for what goes wrong on the way. */
const CALLS_TO_LEAD = 9;
const MOST_WAIT_MS = 60_000;

/** For how long a request waits for a leader, in ms: no less than it takes with a store that answers so slowly; of one that does not answer nobody knows. */
export const leaderWaitMs = (answerMs: number, isStoreAway: boolean): number =>
  isStoreAway ? LEADER_WAIT_MS : Math.min(MOST_WAIT_MS, Math.max(LEADER_WAIT_MS, CALLS_TO_LEAD * answerMs));
/** An old leader that lives may still answer what it had begun. */
const FAREWELL_MS = 1_000;
/** A connection to the leader that nobody needed for this long is closed. */
const IDLE_MS = 20_000;
const RETRY_DELAY_MS = 100;
/** Kept so that a leader that did not want it can be asked again at its successor's. */
const KEPT_BODY_BYTES = 64 * 1024;
/** Said by a scheduler that does not lead: `1` if it therefore did nothing, `begun` if it lost the lead in the middle and may have done it. */
export const NOT_LEADER_HEADER = 'Arpanet-Not-Leader';
export const BEGUN = 'begun';

/** silent: the leader says nothing at all any more. */
type Outcome = 'answered' | 'not-sent' | 'lost' | 'silent';

interface Sending {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly requestId: string;
  /** Undefined: streams through once. */
  readonly body: Buffer | undefined;
  readonly isRetry: boolean;
  /** Of who asks. */
  readonly who: Readonly<Record<string, string>>;
  /** Why a scheduler did nothing. */
  readonly refused: (why: string) => void;
}

export function createFollower(deps: FollowerDeps): Follower {
  const pooled = { keepAlive: true, scheduling: 'lifo', timeout: IDLE_MS } as const;
  const agents = { plain: new http.Agent(pooled), tls: new https.Agent({ ...pooled, maxCachedSessions: 0 }) };
  const leaderHealth = createLeaderHealth(deps.tls);
  let term = new AbortController();
  const waiters = new Set<() => void>();

  /** Until when a request that came now waits: later, if the store turns out to be slow meanwhile. */
  function deadline(): () => number {
    const sinceMs = performance.now();
    return () => sinceMs + leaderWaitMs(deps.storeMs(), deps.trouble() !== undefined);
  }

  /** The leader's url; waits for one until the deadline. */
  async function leader(untilMs: () => number, signal: AbortSignal): Promise<string> {
    for (;;) {
      const url = deps.leaderUrl();
      if (url !== undefined) return url;
      await change(untilMs, signal);
    }
  }

  async function change(untilMs: () => number, signal: AbortSignal, forMs = untilMs() - performance.now()): Promise<void> {
    if (signal.aborted || performance.now() >= untilMs()) throw noLeader(deps.trouble());
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    waiters.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    await sleep(Math.max(forMs, 0), undefined, { signal: woken.signal }).catch(() => undefined);
    waiters.delete(wake);
    signal.removeEventListener('abort', wake);
  }

  function send(url: string, sending: Sending): Promise<Outcome> {
    const { req, res, requestId, body } = sending;
    const { signal } = term;
    return new Promise((resolve) => {
      const { host, port, isTls } = addressIn(url);
      const tls = isTls ? deps.tls() : undefined;
      if (isTls && tls === undefined) {
        sending.refused(noCertificate(url));
        return resolve('not-sent');
      }
      const headers = {
        ...endToEnd(req),
        ...requestHeaders(),
        ...atLeader(req, url),
        'Arpanet-Forwarded': deps.name,
        'Arpanet-Request-Id': requestId,
        ...fromHeader(req),
        [CONNECTION_HEADER]: connectionOf(req),
        ...sending.who,
      };
      const upstream = (isTls ? https : http).request({
        ...tls,
        agent: isTls ? agents.tls : agents.plain,
        host,
        port,
        method: req.method,
        path: req.url,
        headers: {
          ...headers,
          ...(sending.isRetry ? { 'Arpanet-Retry': '1' } : {}),
          ...(body !== undefined && body.length > 0 ? { 'Content-Length': body.length } : {}),
        },
      });
      deps.log.debug({ requestId, leader: url, method: req.method }, 'a request goes to the leader');
      let isSent = false;
      let isAnswered = false;
      const unwatch = leaderHealth.watch(url, () => {
        settle('silent');
        upstream.destroy();
      });
      const settle = (outcome: Outcome): void => {
        clearTimeout(farewell);
        unwatch();
        signal.removeEventListener('abort', onTermEnd);
        res.off('close', clientGone);
        resolve(outcome);
      };
      let farewell: NodeJS.Timeout | undefined;
      const onTermEnd = (): void => {
        if (isAnswered) res.destroy();
        else farewell = setTimeout(() => upstream.destroy(), FAREWELL_MS);
      };
      const clientGone = (): void => {
        upstream.destroy();
        settle('answered');
      };
      signal.addEventListener('abort', onTermEnd, { once: true });
      res.once('close', clientGone);
      upstream.setTimeout(0);
      upstream.on('socket', (socket) => {
        const go = (): void => {
          isSent = true;
          if (body === undefined) req.pipe(upstream);
          else upstream.end(body);
        };
        if (upstream.reusedSocket || (!isTls && !socket.connecting)) return go();
        onceOpen(socket, go);
      });
      upstream.on('error', (error) => {
        if (isAnswered) return;
        const fault = isSent ? undefined : connectFault(url, error);
        if (fault !== undefined) sending.refused(fault);
        // The leader read nothing of this request: the kept-alive connection had died before.
        settle(isSent ? 'lost' : 'not-sent');
      });
      upstream.on('response', (answer) => {
        isAnswered = true;
        unwatch();
        const notLeader = answer.headers[NOT_LEADER_HEADER.toLowerCase()];
        if (notLeader !== undefined && body !== undefined) {
          inBackground(
            deps.log,
            'a refusal of the leader',
            readMessage(answer).then((why) => sending.refused(why)),
          );
          return settle(notLeader === BEGUN ? 'lost' : 'not-sent');
        }
        res.off('close', clientGone);
        passOn(res, answer, {}).then(
          () => settle('answered'),
          () => settle('answered'),
        );
      });
    });
  }

  async function relay(req: IncomingMessage, res: ServerResponse, requestId: string, how: Repeat): Promise<void> {
    const body = await bodyToKeep(req, how, deps.bodyLimitBytes());
    const who = await deps.header(req, requestId);
    const untilMs = deadline();
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    res.once('close', onClose);
    let why: string | undefined;
    const refused = (message: string): void => {
      why = message;
    };
    try {
      for (let isRetry = false; ; ) {
        const url = await leader(untilMs, gone.signal);
        const outcome = await send(url, { req, res, requestId, body, isRetry, who, refused });
        if (outcome === 'answered') return;
        // It may have been carried out; if another leads in time, it can be asked.
        if (outcome === 'silent') await change(untilMs, gone.signal);
        if (outcome === 'silent' && deps.leaderUrl() === url) throw lostLeader();
        if (outcome === 'lost' || outcome === 'silent') {
          if (how === 'never' || body === undefined) throw lostLeader();
          isRetry = true;
        }
        deps.log.debug({ requestId, outcome, leader: url }, 'asking the leader again');
        await change(untilMs, gone.signal, RETRY_DELAY_MS);
      }
    } catch (error) {
      throw because(why, error);
    } finally {
      res.off('close', onClose);
    }
  }

  /** A connected socket to the leader; waits for one that can be reached. */
  async function reach(signal: AbortSignal): Promise<{ readonly upstream: Duplex; readonly url: string }> {
    const untilMs = deadline();
    let why: string | undefined;
    try {
      for (;;) {
        const url = await leader(untilMs, signal);
        const found = await connectToLeader(url, deps.tls());
        if ('upstream' in found) return { upstream: found.upstream, url };
        why = found.fault;
        await change(untilMs, signal, RETRY_DELAY_MS);
      }
    } catch (error) {
      throw because(why, error);
    }
  }

  async function join(
    req: IncomingMessage,
    requestId: string,
    client: () => Duplex,
    head: Buffer,
    isUpgrade: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const who = await deps.header(req, requestId);
    const { upstream, url } = await reach(signal);
    const unwatch = leaderHealth.watch(url, () => upstream.destroy());
    upstream.once('data', unwatch).once('close', unwatch);
    const bodyBytes = isUpgrade ? Number(req.headers['content-length'] ?? 0) : head.length;
    const add = {
      ...atLeader(req, url),
      'Arpanet-Forwarded': deps.name,
      'Arpanet-Request-Id': requestId,
      ...fromHeader(req),
      ...who,
      ...(isUpgrade ? {} : { 'Content-Length': String(bodyBytes) }),
    };
    await joinSockets({
      client: client(),
      clientHead: head,
      upstream,
      requestHead: requestHead(req, req.url ?? '/', { keepUpgrade: isUpgrade, add }),
      bodyBytes,
      way: 'hijack',
      answerHeaders: { 'Arpanet-Request-Id': requestId },
      signal: term.signal,
    });
  }

  return {
    async answer(req, res, requestId) {
      const how = howToRepeat(req.method ?? 'GET', req.url ?? '/');
      if (mayLast(req.method ?? 'GET', req.url ?? '/')) asStream(req.socket);
      if (how !== 'stream') return await relay(req, res, requestId, how);
      const body = await readBody(req, deps.bodyLimitBytes());
      const gone = new AbortController();
      res.once('close', () => gone.abort());
      await join(req, requestId, () => takeOver(req, res), body, false, gone.signal);
    },
    async upgrade(req, socket, head, requestId) {
      const gone = new AbortController();
      const onGone = (): void => gone.abort();
      socket.once('close', onGone).once('error', onGone);
      try {
        await join(req, requestId, () => socket.off('close', onGone), head, true, gone.signal);
      } catch (error) {
        noteUnexpected(error, requestId, deps.log);
        refuseSocket(socket, error, { 'Arpanet-Request-Id': requestId });
      }
    },
    leaderChanged() {
      term.abort();
      term = new AbortController();
      for (const wake of waiters) wake();
    },
    close() {
      term.abort();
      for (const wake of waiters) wake();
      leaderHealth.close();
      agents.plain.destroy();
      agents.tls.destroy();
    },
  };
}

async function bodyToKeep(req: IncomingMessage, how: Repeat, limitBytes: number): Promise<Buffer | undefined> {
  const length = Number(req.headers['content-length'] ?? 0);
  const isChunked = req.headers['transfer-encoding'] !== undefined;
  if (how === 'safely') return await readBody(req, limitBytes);
  return !isChunked && length <= KEPT_BODY_BYTES ? await readBody(req, KEPT_BODY_BYTES) : undefined;
}

/** The client's own headers, repeats kept, without those that concern its connection to us. */
function endToEnd(req: IncomingMessage): OutgoingHttpHeaders {
  const drop = new Set([
    ...hopByHop(req.headers),
    'host',
    'origin',
    'arpanet-forwarded',
    'arpanet-retry',
    'arpanet-request-id',
    CONNECTION_HEADER.toLowerCase(),
    FROM_HEADER.toLowerCase(),
  ]);
  return Object.fromEntries(
    Object.entries(req.headersDistinct).flatMap(([name, values]) =>
      // what was taken off when it came in stays off
      drop.has(name) || values === undefined || !(name in req.headers) ? [] : [[name, one(values)]],
    ),
  );
}

/** The leader knows its own name, not those of the others; what a web page may do was decided here. */
function atLeader({ headers }: IncomingMessage, leaderUrl: string): Record<string, string> {
  const { host, origin } = new URL(leaderUrl);
  return { Host: host, ...(headers.origin === undefined ? {} : { Origin: origin }) };
}

const one = (values: readonly string[]): string | string[] => (values.length === 1 && values[0] !== undefined ? values[0] : [...values]);

/** Where no leader was found in time, the last reason is given. */
const because = (why: string | undefined, error: unknown): unknown =>
  why !== undefined && isKind(error, 'not-leader') ? new ArpanetError('not-leader', why, { cause: error }) : error;

/** `why`: what keeps this scheduler from leading, as far as it knows. */
export const noLeader = (why: string | undefined): ArpanetError =>
  new ArpanetError(
    'not-leader',
    why === undefined ? 'no scheduler leads at the moment: try again in a second' : `no scheduler leads: ${why}`,
  );

const lostLeader = (): ArpanetError =>
  new ArpanetError('unavailable', 'the connection to the leader was lost during this request: it may or may not have been carried out');
