/** Hosts and containers as placement sees them, of literal data. */
import type { HostSnapshot, PlacedContainer, PlacementRequest } from '../../../src/scheduler/placement/index.ts';

/** Empty, with 4 processors and 8 GiB. */
export const hostSnapshot = (name: string, more: Partial<HostSnapshot> = {}): HostSnapshot => ({
  name,
  state: 'alive',
  availability: 'active',
  labels: {},
  os: 'linux',
  arch: 'amd64',
  cpus: 4,
  memoryBytes: 8 * 2 ** 30,
  pending: [],
  containers: [],
  images: [],
  ...more,
});

/** Number 1 of the service that has its name, running. */
export const placedContainer = (name: string, more: Partial<PlacedContainer> = {}): PlacedContainer => ({
  id: name.padEnd(64, '0'),
  name,
  deployment: 'default',
  service: name,
  number: 1,
  state: 'running',
  hostPorts: [],
  reservedNanoCpus: 0,
  reservedMemoryBytes: 0,
  expectedNanoCpus: 0,
  expectedMemoryBytes: 0,
  ...more,
});

/** Of service `web` in deployment `abc`, that reserves and wants nothing in particular. */
export const placementWish = (more: Partial<PlacementRequest> = {}): PlacementRequest => ({
  deployment: 'abc',
  service: 'web',
  name: 'x',
  reservedNanoCpus: 0,
  reservedMemoryBytes: 0,
  expectedNanoCpus: 0,
  expectedMemoryBytes: 0,
  hostPorts: [],
  constraints: [],
  affinities: [],
  volumesAt: [],
  mustBeWith: [],
  imageHosts: new Set<string>(),
  ...more,
});

/** The same numbers from 0 to 1 each time (MINSTD). */
export function seededRandom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
