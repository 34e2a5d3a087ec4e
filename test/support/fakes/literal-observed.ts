/** What a leader of an empty cluster knows, for the reports of the operator's API. */
import type { Steps } from '../../../src/async/steps.ts';
import type { Observed } from '../../../src/operator-api/index.ts';

export function literalObserved(more: Partial<Observed> = {}): Observed {
  const leader = { name: 's1', url: 'http://s1', epoch: 1 };
  return {
    leader,
    clusterId: 'c1',
    store: 'embedded',
    strategy: 'spread',
    hosts: [],
    containers: [],
    instances: [],
    networks: [],
    leases: [],
    stuck: [],
    reserved: new Map(),
    admissions: [],
    schedulers: [{ ...leader, leads: true, heardMsAgo: 0 }],
    unreadable: [],
    leftOut: [],
    cutHosts: [],
    unproven: [],
    frozen: undefined,
    services: () => [],
    ...more,
  };
}

/** Work that is done already, as if it had been done in steps. */
export function* inOneStep<T>(made: T): Steps<T> {
  yield;
  return made;
}
