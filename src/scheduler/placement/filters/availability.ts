import type { Filter } from './filter.ts';

/** Only hosts that are heard of, and that take new containers. */
export const availabilityFilter: Filter = {
  rule: 'availability',
  applies: () => true,
  accepts: (_, host) => host.state === 'alive' && host.availability === 'active',
  explain: (_, host) => {
    if (host.state === 'down') return host.why ?? 'down';
    if (host.state === 'joining') return host.why ?? 'has not joined the new leader yet';
    return host.availability === 'drain' ? 'is being drained' : 'takes no new containers (paused)';
  },
};
