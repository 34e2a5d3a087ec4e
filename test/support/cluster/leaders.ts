/** Who leads a cluster of real schedulers, asked of their doors. */
import type { Cluster } from './cluster.ts';
import { until } from './cluster.ts';
import { promisedMs } from '../promised.ts';

export interface Leader {
  readonly index: number;
  readonly name: string;
  readonly url: string;
  readonly epoch: number;
}

/** The newest leader that one of these schedulers (by default all) knows; undefined while none leads and answers. */
export async function leaderOf(cluster: Cluster, among = cluster.schedulers.map((_, index) => index)): Promise<Leader | undefined> {
  const all = among.map(async (index): Promise<Leader | undefined> => {
    const scheduler = cluster.schedulers[index];
    if (scheduler === undefined) return undefined;
    try {
      const { epoch } = (await json(`${scheduler.url}/arpanet/v1/health`, promisedMs(1_000))) as { epoch?: number };
      return epoch === undefined ? undefined : { index, name: scheduler.name, url: scheduler.url, epoch };
    } catch {
      return undefined; // it may be the one that is harmed
    }
  });
  const leading = (await Promise.all(all)).filter((one) => one !== undefined);
  // One that is cut off may not know yet that it leads no more.
  return leading.sort((a, b) => b.epoch - a.epoch)[0];
}

/** Waits until one of these leads with a higher epoch; how long that took. */
export async function nextLeader(
  cluster: Cluster,
  old: Leader,
  timeoutMs: number,
): Promise<{ readonly leader: Leader; readonly tookMs: number }> {
  const others = cluster.schedulers.map((_, index) => index).filter((index) => index !== old.index);
  const sinceMs = Date.now();
  const leader = await until(
    'another leads',
    async () => {
      const found = await leaderOf(cluster, others);
      return found !== undefined && found.epoch > old.epoch ? found : undefined;
    },
    timeoutMs,
  );
  return { leader, tookMs: Date.now() - sinceMs };
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly message: string;
  readonly ms: number;
}

/** One Docker API request; status 0 when the connection was cut. */
export async function request(url: string, method: string, path: string, body?: unknown, timeoutMs = 60_000): Promise<Answer> {
  const sinceMs = Date.now();
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  try {
    const answer = await fetch(url + path, { method, signal: AbortSignal.timeout(timeoutMs), ...init });
    const message = await answer.text();
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), message, ms: Date.now() - sinceMs };
  } catch (error) {
    return { status: 0, retryAfter: null, message: String((error as Error).cause ?? error), ms: Date.now() - sinceMs };
  }
}

async function json(url: string, timeoutMs: number): Promise<unknown> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return await answer.json();
}
