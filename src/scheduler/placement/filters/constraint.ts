import type { Filter } from './filter.ts';
import type { HostSnapshot, PlacementRequest, Constraint } from '../snapshot.ts';
import { means } from '../constraints.ts';

/** The key comes from users: `constructor` is no label. */
const own = (map: Readonly<Record<string, string>>, key: string) => (Object.hasOwn(map, key) ? map[key] : undefined);

/** What a constraint's key means on a host; undefined: the host has no such label. */
export function valueOf(key: string, host: HostSnapshot): string | undefined {
  const [, of, label] = /^(node|engine)\.labels\.(.+)$/.exec(key) ?? [];
  if (label !== undefined) return own(host.labels, label) ?? (of === 'engine' ? own(host.engine ?? {}, label) : undefined);
  if (['node', 'node.hostname', 'node.name', 'node.id'].includes(key)) return host.name;
  // as `docker node ls` shows them: schedulers are no hosts
  if (key === 'node.role') return 'worker';
  if (key === 'node.platform.os') return host.os;
  if (key === 'node.platform.arch') return host.arch;
  return own(host.labels, key) ?? own(host.engine ?? {}, key);
}

/** A host without the label satisfies `!=` and never `==`. */
export function satisfies(constraint: Constraint, host: HostSnapshot): boolean {
  const value = valueOf(constraint.key, host);
  return (value !== undefined && means(constraint.value, value)) === (constraint.operator === '==');
}

const broken = (request: PlacementRequest, host: HostSnapshot) =>
  request.constraints.filter((constraint) => !constraint.soft && !satisfies(constraint, host));

export const constraintFilter: Filter = {
  rule: 'constraint',
  applies: (request) => request.constraints.some((constraint) => !constraint.soft),
  accepts: (request, host) => broken(request, host).length === 0,
  explain: (request, host) =>
    broken(request, host)
      .map(
        (constraint) =>
          `${constraint.key}${constraint.operator}${constraint.value} does not hold (${constraint.key} is ${valueOf(constraint.key, host) ?? 'not set'})`,
      )
      .join(' and '),
};
