import { refersTo } from '../../create/identify.ts';
import type { Filter } from './filter.ts';
import type { HostSnapshot, PlacedContainer, PlacementRequest, Constraint } from '../snapshot.ts';
import { matches } from '../constraints.ts';
import { composeLabels } from '../../../model/index.ts';

const isService = (key: string) => key === 'service' || key === composeLabels.service;

/** Whether the host has such a container or image. A service is one of the same deployment, or `service.deployment`, matched whole: `auth` is not `authz`. */
function has(constraint: Constraint, request: PlacementRequest, host: HostSnapshot): boolean {
  if (constraint.key === 'image')
    return host.images.some((image) => matches(constraint.value, image) || matches(`${constraint.value}:latest`, image));
  const meant = (container: PlacedContainer) =>
    isService(constraint.key)
      ? (container.deployment === request.deployment && matches(constraint.value, container.service)) ||
        constraint.value === `${container.service}.${container.deployment}`
      : matches(constraint.value, container.name) || refersTo(constraint.value, container);
  return host.containers.some((container) => meant(container) && !refersTo(request.replaces, container));
}

export function isMet(constraint: Constraint, request: PlacementRequest, host: HostSnapshot): boolean {
  return has(constraint, request, host) === (constraint.operator === '==');
}

const broken = (request: PlacementRequest, host: HostSnapshot) =>
  request.affinities.filter((constraint) => !constraint.soft && !isMet(constraint, request, host));

export const affinityFilter: Filter = {
  rule: 'affinity',
  applies: (request) => request.affinities.some((constraint) => !constraint.soft),
  accepts: (request, host) => broken(request, host).length === 0,
  explain: (request, host) =>
    broken(request, host)
      .map(
        (constraint) =>
          `${constraint.operator === '==' ? 'has no' : 'has'} ${isService(constraint.key) ? 'service' : constraint.key} ${constraint.value}`,
      )
      .join(' and '),
};
