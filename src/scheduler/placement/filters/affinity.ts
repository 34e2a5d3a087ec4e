import { refersTo } from '../../create/identify.ts';
import type { Filter } from './filter.ts';
import type { HostSnapshot, PlacedContainer, PlacementRequest, Constraint } from '../snapshot.ts';
import { means } from '../constraints.ts';
import { composeLabels } from '../../../model/index.ts';

const isService = (key: string) => key === 'service' || key === composeLabels.service;

/**
 * Whether the host has such a container or image. A service is one of the same deployment, or `service.deployment`, matched whole: `auth` is not
 * `authz`. Any other key is a label of containers.
 */
function has({ key, value }: Constraint, request: PlacementRequest, host: HostSnapshot): boolean {
  if (key === 'image') return host.images.some((image) => isImage(value, image));
  const meant = (container: PlacedContainer) => {
    if (key === 'container') return means(value, container.name) || refersTo(value, container);
    if (isService(key))
      return (
        (container.deployment === request.deployment && means(value, container.service)) ||
        value === `${container.service}.${container.deployment}`
      );
    const label = Object.hasOwn(container.labels ?? {}, key) ? container.labels?.[key] : undefined;
    return label !== undefined && means(value, label);
  };
  return host.containers.some((container) => meant(container) && !refersTo(request.replaces, container));
}

/** By id, by `name:tag`, or by name alone. */
function isImage(value: string, image: string): boolean {
  return means(value, image) || means(`${value}:latest`, image);
}

/** For a refusal: `container db`, `label role db`. */
function wordsOf({ key, value }: Constraint): string {
  if (isService(key)) return `service ${value}`;
  return key === 'container' || key === 'image' ? `${key} ${value}` : `container with label ${key} ${value}`;
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
      .map((constraint) => `${constraint.operator === '==' ? 'has no' : 'has'} ${wordsOf(constraint)}`)
      .join(' and '),
};
