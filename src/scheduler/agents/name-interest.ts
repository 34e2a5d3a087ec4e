/**
 * Which hosts may ask for which instances: those of the deployments that have one on the host, and those of others that share a network with one
 * there. Kept up to date by changes: a look costs as much as it finds. Pure.
 */
import type { InstanceChange } from '../../contracts/index.ts';
import type { NamedInstance } from '../../model/index.ts';

export interface NameInterest {
  /** Enters the changes. Which hosts have others to ask for than before. */
  readonly apply: (changes: readonly InstanceChange[]) => ReadonlySet<string>;
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

  function add(instance: NamedInstance): void {
    const { container, host } = instance;
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

  function note(instance: NamedInstance | undefined, hosts: Set<string>): void {
    if (instance === undefined) return;
    hosts.add(instance.host);
    for (const key of groupsOf(instance)) for (const host of groups.get(key)?.hosts.keys() ?? []) hosts.add(host);
  }

  return {
    apply(changes) {
      const hosts = new Set<string>();
      for (const { before } of changes) note(before, hosts);
      for (const { before } of changes) if (before !== undefined) remove(before);
      for (const { now } of changes) if (now !== undefined) add(now);
      for (const { now } of changes) note(now, hosts);
      return hosts;
    },
    replace(instances) {
      groups.clear();
      onHost.clear();
      for (const instance of instances) add(instance);
    },
    of(host) {
      const found = new Map<string, NamedInstance>();
      const keys = new Set([...(onHost.get(host)?.values() ?? [])].flatMap(groupsOf));
      for (const key of keys) for (const [container, instance] of groups.get(key)?.members ?? []) found.set(container, instance);
      return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    },
  };
}
