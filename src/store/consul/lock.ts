/**
 * A lock in Consul: a session with a time to live and no health checks (an agent that flaps must not cost us the lead), renewed at a third of
 * it, through Consul's own elections, until nothing has been heard for so long that it has surely expired. Effects: HTTP, timers.
 *
 * Lock-delay is zero: a fence protects what the lock protects, not a delay. Consul 1.8.7 takes "0s" as none.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind } from '../../model/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Fence, Lock } from '../contract.ts';
import { type ConsulHttp, keyPath } from './http.ts';

/** Consul's own limit. */
const MIN_TTL_MS = 10_000;
const RETRY_MS = 500;
/**
 * Consul ends a session between one and two times its time to live after the last renewal, and counts anew after an election of its own, which
 * may well take one: a leader that gave up any sooner would fall with each. Should it have lost the lock without knowing, the fence holds.
 */
const PATIENCE = 1.9;

export interface LockDeps {
  readonly http: ConsulHttp;
  readonly log: Logger;
  /** Resolves once the session that holds a key is as wanted. Rejects when the signal aborts. */
  awaitHolder(key: string, until: (session: string | undefined) => boolean, signal: AbortSignal): Promise<void>;
}

export interface LockRequest {
  readonly key: string;
  readonly value: unknown;
  readonly ttlMs: number;
  readonly name: string;
}

/** Waits until the lock is ours; goes on through outages. Rejects only when the signal aborts, or if Consul forbids it. */
export async function acquireLock(deps: LockDeps, request: LockRequest, signal: AbortSignal): Promise<Lock> {
  const { http, log } = deps;
  const ttlMs = Math.max(request.ttlMs, MIN_TTL_MS);
  for (;;) {
    signal.throwIfAborted();
    let session: string | undefined;
    try {
      await deps.awaitHolder(request.key, (holder) => holder === undefined, signal);
      const bornMs = performance.now();
      session = await createSession(http, request.name, ttlMs, signal);
      const query = { acquire: session };
      const { body } = await http.call({ method: 'PUT', path: keyPath(request.key), query, body: request.value, signal });
      if (body === true) return hold(deps, { key: request.key, session }, ttlMs, bornMs);
      await destroySession(http, session);
    } catch (err) {
      // Perhaps it was acquired: nobody may be left waiting for it.
      if (session !== undefined) await destroySession(http, session).catch(() => undefined);
      signal.throwIfAborted();
      if (isKind(err, 'forbidden', 'invalid')) throw err;
      log.debug({ err, lock: request.key }, 'lock not acquired');
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/** Ends a session, and with it the locks that it holds. */
export async function destroySession(http: ConsulHttp, session: string): Promise<void> {
  await http.call({ method: 'PUT', path: `/session/destroy/${encodeURIComponent(session)}` });
}

async function createSession(http: ConsulHttp, name: string, ttlMs: number, signal: AbortSignal): Promise<string> {
  const body = { Name: name, TTL: `${ttlMs}ms`, Behavior: 'release', LockDelay: '0s', Checks: [], NodeChecks: [] };
  const answer = await http.call({ method: 'PUT', path: '/session/create', body, signal });
  return (answer.body as { readonly ID: string }).ID;
}

function hold(deps: LockDeps, fence: Fence, ttlMs: number, bornMs: number): Lock {
  const { http, log } = deps;
  const lost = new AbortController();
  let heardMs = bornMs;
  let deadline = setTimeout(lose, remaining());

  function remaining(): number {
    return Math.max(0, heardMs + ttlMs * PATIENCE - performance.now());
  }
  function lose(): void {
    clearTimeout(deadline);
    if (!lost.signal.aborted) lost.abort();
  }
  async function renewals(): Promise<void> {
    let waitMs = ttlMs / 3;
    for (;;) {
      await sleep(waitMs, undefined, { signal: lost.signal });
      const askedMs = performance.now();
      try {
        const { status } = await http.call({ method: 'PUT', path: `/session/renew/${fence.session}`, signal: lost.signal, also: [404] });
        if (status === 404) return lose();
        heardMs = askedMs;
        clearTimeout(deadline);
        deadline = setTimeout(lose, remaining());
        waitMs = ttlMs / 3;
      } catch (err) {
        if (lost.signal.aborted) return;
        log.warn({ err, lock: fence.key }, 'lock not renewed');
        waitMs = RETRY_MS;
      }
    }
  }
  // Both end by rejecting when `lost` aborts.
  renewals().catch(lose);
  deps.awaitHolder(fence.key, (holder) => holder !== fence.session, lost.signal).then(lose, lose);

  return {
    fence,
    lost: lost.signal,
    async release() {
      if (lost.signal.aborted) return;
      lose();
      await destroySession(http, fence.session).catch((err: unknown) => log.warn({ err, lock: fence.key }, 'lock not released'));
    },
  };
}
