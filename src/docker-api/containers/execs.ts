/** Which host runs an exec: a bounded memory. What it forgot, or never knew, is asked of the hosts. Pure but for its map. */
import { keepNewest } from '../../async/newest.ts';
export interface Exec {
  readonly host: string;
  readonly container: string;
}

export interface Execs {
  get(id: string): Exec | undefined;
  set(id: string, exec: Exec): void;
}

export function createExecs(limit = 10_000): Execs {
  const known = new Map<string, Exec>();
  return {
    get: (id) => known.get(id),
    set(id, exec) {
      known.delete(id);
      known.set(id, exec);
      keepNewest(known, limit);
    },
  };
}
