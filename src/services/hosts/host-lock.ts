/** One operation on a host at a time, and none beside one on the whole cluster. Keeps its state in memory; no other effects. */
import { ArpanetError } from '../../model/index.ts';

/** Stands for all hosts. */
export const ALL_HOSTS = '*';

/** What a host is that is being drained: only that can be cancelled. */
export const DRAINING = 'being drained';
export const ACTIVATING = 'being activated';

export interface HostLock {
  /** `what`: for a person, `being drained`. Throws `conflict` while another operation runs. */
  readonly hold: <T>(host: string, what: string, act: () => Promise<T>) => Promise<T>;
  /** What is being done with the host now: the `what` of its `hold`. */
  readonly doing: (host: string) => string | undefined;
}

export function createHostLock(now: () => number): HostLock {
  const held = new Map<string, { readonly what: string; readonly sinceMs: number }>();
  return {
    doing: (host) => held.get(host)?.what,
    async hold(host, what, act) {
      const other = host === ALL_HOSTS ? [...held.keys()][0] : held.has(host) ? host : held.has(ALL_HOSTS) ? ALL_HOSTS : undefined;
      const running = other === undefined ? undefined : held.get(other);
      if (running !== undefined) {
        const seconds = Math.round((now() - running.sinceMs) / 1000);
        const who = other === ALL_HOSTS ? 'the cluster' : other;
        throw new ArpanetError(
          'conflict',
          `${who} is ${running.what} (started ${seconds} s ago): wait until that has ended ("arpanet ps" shows it)`,
        );
      }
      held.set(host, { what, sinceMs: now() });
      try {
        return await act();
      } finally {
        held.delete(host);
      }
    },
  };
}
