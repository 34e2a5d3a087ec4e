/** Keeps what still runs on a lost host from its peers, before something of it is given to others. Effects: calls to agents. */
import { isUnreachable } from '../../model/index.ts';
import type { Core } from '../core.ts';
import type { Overlays } from '../networks/overlays.ts';

export interface FenceOff {
  /** Hosts that cannot be informed now. Wherever they are, they may reach what is lost, and must not reach what takes its place. */
  readonly uninformed: (lost: string) => readonly string[];
  /** Every other host drops the overlay packets of that one, and of those that cannot be informed. */
  readonly fence: (host: string, uninformed: readonly string[]) => Promise<void>;
}

export function createFenceOff({ view, hub }: Pick<Core, 'view' | 'hub'>, overlays: Pick<Overlays, 'fence'>): FenceOff {
  return {
    uninformed: (lost) =>
      view.hosts().flatMap(({ name, state }) => (name !== lost && isUnreachable(state) && !hub.connected(name) ? [name] : [])),
    async fence(host, uninformed) {
      const others = view.hosts().flatMap(({ name }) => (name === host || uninformed.includes(name) ? [] : [name]));
      await Promise.all(others.map((other) => overlays.fence(other, [host, ...uninformed])));
    },
  };
}
