/**
 * Effects: a lock in Consul (HTTP, timers): a session with a time to live and no health checks, because a flapping Consul agent must not cost
 * the leadership. Renewed at a third of its time to live, also through Consul's own elections, until it must have expired.
 *
 * Lock-delay is zero: the fence protects the store, not a delay. Consul 1.8.7 accepts "0s" as none.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind } from '../../model/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Fence, Lock } from '../contract.ts';
import { type ConsulHttp, keyPath } from './http.ts';

/** Consul's own limit (session TTL, 10 s to 24 h). */
const MIN_TTL_MS = 10_000;
const RETRY_MS = 500;
/**
 * Times the time to live. Consul ends a session between one and two times its time to live after the last renewal, and starts counting again after an
 * election of its own, which may take as long: a leader that resigned sooner would end with each of them. If it has lost the lock without
 * noticing, the fence refuses its writes.
 */
const EXPIRY_FACTOR = 1.9;

export interface LockDeps {
  readonly http: ConsulHttp;
  readonly log: Logger;
  /** Resolves once `until` accepts the session that holds the key (undefined: none). Rejects when the signal aborts. */
  awaitHolder(key: string, until: (session: string | undefined) => boolean, signal: AbortSignal): Promise<void>;
}

export interface LockRequest {
  readonly key: string;
  readonly value: unknown;
  readonly ttlMs: number;
  readonly name: string;
}

/** Waits until this process has the lock, through outages. Rejects when the signal aborts, or with `forbidden` or `invalid` from Consul. */
export async function acquireLock(deps: LockDeps, request: LockRequest, signal: AbortSignal): Promise<Lock> {
  const { http, log } = deps;
  const ttlMs = Math.max(request.ttlMs, MIN_TTL_MS);
  for (;;) {
    signal.throwIfAborted();
    let session: string | undefined;
    let ready: Ready | undefined;
    try {
      const bornMs = performance.now();
      session = await createSession(http, request.name, ttlMs, signal);
      ready = keepReady(deps, session, ttlMs, bornMs);
      await deps.awaitHolder(request.key, (holder) => holder === undefined, AbortSignal.any([signal, ready.gone]));
      const query = { acquire: session };
      const { body } = await http.call({ method: 'PUT', path: keyPath(request.key), query, body: request.value, signal });
      if (body === true) return hold(deps, { key: request.key, session }, ttlMs, ready.heardMs());
      await destroySession(http, session);
    } catch (err) {
      // It may have been acquired: others must not wait for it to expire.
      if (session !== undefined) await destroySession(http, session).catch(() => undefined);
      signal.throwIfAborted();
      if (isKind(err, 'forbidden', 'invalid')) throw err;
      log.debug({ err, lock: request.key }, 'lock not acquired');
      await sleep(RETRY_MS, undefined, { signal });
    } finally {
      ready?.end();
    }
  }
}

interface Ready {
  /** Aborts when Consul has ended the session, or has not been heard for its time to live. */
  readonly gone: AbortSignal;
  /** When it was renewed last, in ms. */
  readonly heardMs: () => number;
  readonly end: () => void;
}

/** A candidate has its session at hand while it waits: with a slow Consul each call between two leaders counts. */
function keepReady({ http }: LockDeps, session: string, ttlMs: number, bornMs: number): Ready {
  const gone = new AbortController();
  const over = new AbortController();
  let heardMs = bornMs;
  const renewals = async (): Promise<void> => {
    for (;;) {
      await sleep(ttlMs / 3, undefined, { signal: over.signal });
      const askedMs = performance.now();
      const renewed = await http
        .call({ method: 'PUT', path: `/session/renew/${session}`, signal: over.signal, also: [404] })
        .catch(() => undefined);
      if (over.signal.aborted) return;
      if (renewed?.status === 200) heardMs = askedMs;
      if (renewed?.status === 404 || performance.now() - heardMs > ttlMs) return gone.abort();
    }
  };
  // ends by rejecting when it is over
  renewals().catch(() => undefined);
  return { gone: gone.signal, heardMs: () => heardMs, end: () => over.abort() };
}

/** Ends a session and releases its locks. Throws `unavailable`, `forbidden`. */
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
    return Math.max(0, heardMs + ttlMs * EXPIRY_FACTOR - performance.now());
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
