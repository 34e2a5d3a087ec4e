/** Hosts that are down for good, as far as anybody can tell. Remembers since when each is down. */
import type { DeploymentsDeps } from '../deps.ts';

export interface LostHosts {
  readonly lost: ReadonlySet<string>;
  /** When the next one is given up, if it does not come back. */
  readonly againInMs: number | undefined;
}

/** Many at once are more likely our fault than theirs: then none is lost. */
export function createLostHosts(deps: Pick<DeploymentsDeps, 'hosts' | 'now' | 'lostAfterMs' | 'log'>): () => LostHosts {
  const downSince = new Map<string, number>();
  return () => {
    const hosts = deps.hosts();
    const nowMs = deps.now();
    for (const host of hosts) {
      if (host.state !== 'down') downSince.delete(host.name);
      else if (!downSince.has(host.name)) downSince.set(host.name, nowMs);
    }
    const lefts = [...downSince.values()].map((sinceMs) => sinceMs + deps.lostAfterMs() - nowMs);
    const waiting = lefts.filter((leftMs) => leftMs > 0);
    const againInMs = waiting.length > 0 ? Math.min(...waiting) + 1 : undefined;
    const gone = hosts.filter(({ name }) => nowMs - (downSince.get(name) ?? nowMs) >= deps.lostAfterMs());
    const isMass = gone.length > Math.max(1, Math.floor(hosts.length / 3));
    if (isMass)
      deps.log.warn({ hosts: gone.map(({ name }) => name) }, 'over a third of the hosts is down: nothing is moved until some are back');
    return { lost: new Set(isMass ? [] : gone.flatMap(({ name, isDoubted }) => (isDoubted === true ? [] : [name]))), againInMs };
  };
}
