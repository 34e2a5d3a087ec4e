/**
 * Which hosts may ask for which instances: those of the deployments that have one on the host, and those of others that share a network with one
 * there. Kept up to date by changes: a change costs as much as it concerns. Pure.
 */
import type { InstanceChange } from '../../contracts/index.ts';
import type { NamedInstance } from '../../model/index.ts';

/** What a host has to ask for that it had not before, or otherwise; and containers that it has no more. */
export interface InterestChange {
  readonly put: readonly NamedInstance[];
  readonly drop: readonly string[];
}

export interface NameInterest {
  /** Enters the changes. By host; the others have to ask for what they had. */
  readonly apply: (changes: readonly InstanceChange[]) => ReadonlyMap<string, InterestChange>;
  /** Forgets all, and enters these: what went wrong before is over. */
  readonly replace: (instances: readonly NamedInstance[]) => void;
  /** By id. */
  readonly of: (host: string) => readonly NamedInstance[];
}

type Members = Map<string, NamedInstance>;

interface Group {
  readonly members: Members;
  /** How many of them each host has. */
  readonly hosts: Map<string, number>;
}

function groupsOf({ deployment, addresses }: NamedInstance): readonly string[] {
  return [`deployment ${deployment}`, ...Object.keys(addresses).map((network) => `network ${network}`)];
}

export function createNameInterest(): NameInterest {
  const groups = new Map<string, Group>();
  const onHost = new Map<string, Members>();
  const all: Members = new Map();

  function add(instance: NamedInstance): void {
    const { container, host } = instance;
    all.set(container, instance);
    onHost.set(host, (onHost.get(host) ?? new Map<string, NamedInstance>()).set(container, instance));
    for (const key of groupsOf(instance)) {
      const group = groups.get(key) ?? { members: new Map<string, NamedInstance>(), hosts: new Map<string, number>() };
      groups.set(key, group);
      group.members.set(container, instance);
      group.hosts.set(host, (group.hosts.get(host) ?? 0) + 1);
    }
  }

  function remove(instance: NamedInstance): void {
    const { container, host } = instance;
    all.delete(container);
    onHost.get(host)?.delete(container);
    if (onHost.get(host)?.size === 0) onHost.delete(host);
    for (const key of groupsOf(instance)) {
      const group = groups.get(key);
      if (group === undefined) continue;
      group.members.delete(container);
      const left = (group.hosts.get(host) ?? 0) - 1;
      if (left > 0) group.hosts.set(host, left);
      else group.hosts.delete(host);
      if (group.members.size === 0) groups.delete(key);
    }
  }

  const isOf = (host: string, key: string): boolean => groups.get(key)?.hosts.has(host) === true;

  /** Which groups the hosts of these changes have an instance of, by host and group. */
  function memberships(changes: readonly InstanceChange[]): Map<string, Map<string, boolean>> {
    const found = new Map<string, Map<string, boolean>>();
    for (const { before, now } of changes)
      for (const instance of [before, now]) {
        if (instance === undefined) continue;
        const { host } = instance;
        const known = found.get(host) ?? new Map<string, boolean>();
        found.set(host, known);
        for (const key of groupsOf(instance)) known.set(key, isOf(host, key));
      }
    return found;
  }

  return {
    apply(changes) {
      const changed = new Map<string, Set<string>>();
      const note = (host: string, container: string): void => {
        changed.set(host, (changed.get(host) ?? new Set()).add(container));
      };
      const noteAll = (instance: NamedInstance | undefined): void => {
        if (instance === undefined) return;
        note(instance.host, instance.container);
        for (const key of groupsOf(instance)) for (const host of groups.get(key)?.hosts.keys() ?? []) note(host, instance.container);
      };
      const before = memberships(changes);
      for (const change of changes) noteAll(change.before);
      for (const change of changes) if (change.before !== undefined) remove(change.before);
      for (const change of changes) if (change.now !== undefined) add(change.now);
      for (const change of changes) noteAll(change.now);
      // a host that has got its first instance of a group, or has lost its last, has all of that group to ask for, or none of it
      for (const [host, known] of before) {
        const had = (key: string): boolean => known.get(key) ?? isOf(host, key);
        for (const [key, was] of known) {
          if (was === isOf(host, key)) continue;
          for (const [container, member] of groups.get(key)?.members ?? [])
            if (groupsOf(member).some(had) !== groupsOf(member).some((one) => isOf(host, one))) note(host, container);
        }
      }
      return new Map([...changed].map(([host, containers]) => [host, changeFor(host, containers)]));
    },
    replace(instances) {
      for (const known of [groups, onHost, all]) known.clear();
      for (const instance of instances) add(instance);
    },
    of(host) {
      const found = new Map<string, NamedInstance>();
      const keys = new Set([...(onHost.get(host)?.values() ?? [])].flatMap(groupsOf));
      for (const key of keys) for (const [container, instance] of groups.get(key)?.members ?? []) found.set(container, instance);
      return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    },
  };

  function changeFor(host: string, containers: ReadonlySet<string>): InterestChange {
    const put: NamedInstance[] = [];
    const drop: string[] = [];
    for (const container of containers) {
      const instance = all.get(container);
      if (instance !== undefined && groupsOf(instance).some((key) => isOf(host, key))) put.push(instance);
      else drop.push(container);
    }
    return { put, drop };
  }
}
