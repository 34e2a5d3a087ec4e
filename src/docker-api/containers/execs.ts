/** Which host runs an exec (`POST /containers/{id}/exec`): a bounded memory. What it forgot, or never knew, is asked of the hosts (`GET /exec/{id}/json`). Pure but for its memory. */
import { LRUCache } from 'lru-cache';

export interface Exec {
  readonly host: string;
  readonly container: string;
}

export interface Execs {
  get(id: string): Exec | undefined;
  set(id: string, exec: Exec): void;
}

/** Remembers the `limit` execs that were used last. */
export function createExecs(limit = 10_000): Execs {
  const known = new LRUCache<string, Exec>({ max: limit });
  return {
    get: (id) => known.get(id),
    set: (id, exec) => {
      known.set(id, exec);
    },
  };
}
