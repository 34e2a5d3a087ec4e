import { refersTo } from '../../create/identify.ts';
import type { Filter } from './filter.ts';
import type { HostSnapshot, PlacedContainer, PlacementRequest, Wish } from '../snapshot.ts';
import { matches } from '../constraints.ts';
import { composeLabels } from '../../../model/index.ts';

const isService = (key: string) => key === 'service' || key === composeLabels.service;

/** Whether the host has such a container or image. A service is one of the same deployment, or `service.deployment`, matched whole: `auth` is not `authz`. */
function has(wish: Wish, request: PlacementRequest, host: HostSnapshot): boolean {
  if (wish.key === 'image') return host.images.some((image) => matches(wish.value, image) || matches(`${wish.value}:latest`, image));
  const meant = (container: PlacedContainer) =>
    isService(wish.key)
      ? (container.deployment === request.deployment && matches(wish.value, container.service)) ||
        wish.value === `${container.service}.${container.deployment}`
      : matches(wish.value, container.name) || refersTo(wish.value, container);
  return host.containers.some((container) => meant(container) && !refersTo(request.replaces, container));
}

export function isMet(wish: Wish, request: PlacementRequest, host: HostSnapshot): boolean {
  return has(wish, request, host) === (wish.operator === '==');
}

const broken = (request: PlacementRequest, host: HostSnapshot) =>
  request.affinities.filter((wish) => !wish.soft && !isMet(wish, request, host));

export const affinityFilter: Filter = {
  rule: 'affinity',
  applies: (request) => request.affinities.some((wish) => !wish.soft),
  accepts: (request, host) => broken(request, host).length === 0,
  explain: (request, host) =>
    broken(request, host)
      .map((wish) => `${wish.operator === '==' ? 'has no' : 'has'} ${isService(wish.key) ? 'service' : wish.key} ${wish.value}`)
      .join(' and '),
};
