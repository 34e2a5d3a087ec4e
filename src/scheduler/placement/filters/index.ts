/** All filters, in the order in which a person would ask: is it there, may it, can it, does it want to. */
import { affinityFilter } from './affinity.ts';
import { availabilityFilter } from './availability.ts';
import { constraintFilter } from './constraint.ts';
import { engineVersionFilter } from './engine-version.ts';
import { hostPortFilter } from './host-port.ts';
import { platformFilter } from './platform.ts';
import { cpuFilter, memoryFilter } from './reservations.ts';
import { maxContainersFilter } from './max-containers.ts';
import { maxPerHostFilter } from './max-per-host.ts';
import { onlyFilter } from './only.ts';
import { parentLinkFilter } from './parent-link.ts';
import { togetherFilter } from './together.ts';
import { volumeFilter } from './volume.ts';
import type { Filter } from './filter.ts';

export const FILTERS: readonly Filter[] = [
  availabilityFilter,
  onlyFilter,
  platformFilter,
  engineVersionFilter,
  parentLinkFilter,
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
