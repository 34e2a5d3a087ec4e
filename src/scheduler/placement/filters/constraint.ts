import type { Filter } from './filter.ts';
import type { HostSnapshot, PlacementRequest, Constraint } from '../snapshot.ts';
import { means } from '../constraints.ts';
import { ids } from '../../../text/swarm-ids.ts';
import { goArch } from './platform.ts';

/** The key comes from users: `constructor` is no label. */
const own = (map: Readonly<Record<string, string>>, key: string) => (Object.hasOwn(map, key) ? map[key] : undefined);

/** What a constraint's key means on a host; undefined: the host has no such label. */
export function valueOf(key: string, host: HostSnapshot): string | undefined {
  const [, of, label] = /^(node|engine)\.labels\.(.+)$/.exec(key) ?? [];
  if (label !== undefined) return own(host.labels, label) ?? (of === 'engine' ? own(host.engine ?? {}, label) : undefined);
  if (key === 'node.id') return ids.node(host.name);
  if (['node', 'node.hostname', 'node.name'].includes(key)) return host.name;
  // as `docker node ls` shows them: schedulers are no hosts
  if (key === 'node.role') return 'worker';
  if (key === 'node.platform.os') return host.os;
  if (key === 'node.platform.arch') return host.arch;
  return own(host.labels, key) ?? own(host.engine ?? {}, key);
}

/** A host without the label satisfies `!=` and never `==`. */
export function satisfies(constraint: Constraint, host: HostSnapshot): boolean {
  return isMeant(constraint, host) === (constraint.operator === '==');
}

/** A host's name stands for its id, and uname's `x86_64` for Go's `amd64`. */
function isMeant({ key, value }: Constraint, host: HostSnapshot): boolean {
  const own = valueOf(key, host);
  if (own === undefined) return false;
  if (means(value, own)) return true;
  if (key === 'node.platform.arch') return means(value, goArch(own)) || goArch(value) === goArch(own);
  return key === 'node.id' && means(value, host.name);
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
