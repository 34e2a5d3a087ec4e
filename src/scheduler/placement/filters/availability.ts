import type { Filter } from './filter.ts';

/** Only hosts that are alive, and that take new containers. */
export const availabilityFilter: Filter = {
  rule: 'availability',
  applies: () => true,
  accepts: (_, host) => host.state === 'alive' && host.availability === 'active',
  explain: (_, host) => {
    if (host.state === 'joining') return host.why ?? 'not connected to the new leader yet';
    if (host.state !== 'alive') return host.why ?? host.state;
    return host.availability === 'drain' ? 'is being drained' : 'takes no new containers (paused)';
  },
};
