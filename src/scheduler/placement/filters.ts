/** All filters, in the order in which a person would ask: is it there, may it, can it, does it want to. */
import { affinityFilter } from './filter-affinity.ts';
import { availabilityFilter } from './filter-availability.ts';
import { constraintFilter } from './filter-constraint.ts';
import { hostPortFilter } from './filter-host-port.ts';
import { platformFilter } from './filter-platform.ts';
import { cpuFilter, memoryFilter } from './filter-reservations.ts';
import { maxContainersFilter } from './filter-max-containers.ts';
import { maxPerHostFilter } from './filter-max-per-host.ts';
import { onlyFilter } from './filter-only.ts';
import { togetherFilter } from './filter-together.ts';
import { volumeFilter } from './filter-volume.ts';
import type { Filter } from './filter.ts';

export const FILTERS: readonly Filter[] = [
  availabilityFilter,
  onlyFilter,
  platformFilter,
  togetherFilter,
  volumeFilter,
  constraintFilter,
  affinityFilter,
  hostPortFilter,
  cpuFilter,
  memoryFilter,
  maxContainersFilter,
  maxPerHostFilter,
];
