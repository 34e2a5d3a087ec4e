/**
 * All named instances, kept up to date by what was touched: a change costs as much as it concerns. What it holds is what `instancesOf` makes of everything.
 * Pure; remembers what it made.
 */
import type { ContainerRecord, ContainerView, NamedInstance, NetworkRecord } from '../model/index.ts';
import { each } from '../telemetry/left-out.ts';
import type { InstanceChange } from '../contracts/index.ts';
import type { InstanceSource } from './contract.ts';
import { instancesOf, isIdLike, plainId } from './instance.ts';

type Has = Pick<ReadonlySet<string>, 'has'>;

export interface InstanceReads {
  /** Names of records of which something has changed since they were asked for last: the record, its container, its host, its network. */
  readonly touched: () => Iterable<string>;
  readonly record: (name: string) => ContainerRecord | undefined;
  readonly container: (id: string) => ContainerView | undefined;
  readonly withdrawn: Has;
  readonly joining: Has;
  readonly cutOff: Has;
  readonly networkOf: (id: string) => NetworkRecord | undefined;
  /** The one address of a service (`DEPLOYMENT/SERVICE`) in a network; absent: none has one. */
  readonly vipOf?: (network: string, service: string) => string | undefined;
}

const ANY_ID = 'id';
const byName = (name: string): string => `name ${name}`;
const byService = (service: string): string => `service ${service}`;
const serviceOf = ({ service, deployment }: ContainerRecord): string => `${service}.${deployment}`;

/** What the links of a record depend on. */
function leansOn({ links, linkedHosts = [], deployment }: ContainerRecord): readonly string[] {
  return [...links, ...linkedHosts].flatMap(({ target, alias }) => [
    byName(target),
    byService(`${alias}.${deployment}`),
    ...(isIdLike(target) ? [ANY_ID] : []),
  ]);
}

/** Makes what `read` says of the records that are touched, and of those whose ids or links depend on them; a record that cannot be handled is left out alone. */
export function createInstanceTable(read: InstanceReads): InstanceSource {
  const known = new Map<string, ContainerRecord>();
  const made = new Map<string, { readonly instance: NamedInstance; readonly text: string }>();
  /** Names of records by the plain id that they compete for, by service, and by what their links depend on. */
  const groups = new Map<string, Set<string>>();
  const services = new Map<string, Set<string>>();
  const leaning = new Map<string, Set<string>>();
  const sizes = new Map<string, number>();
  /** By record name, one change each: from what was reported last to what is now. */
  let unreported = new Map<string, InstanceChange>();
  let all: readonly NamedInstance[] | undefined;
  let deployments: readonly string[] | undefined;

  const linked = {
    find: (target: string) =>
      known.get(target) ?? (isIdLike(target) ? [...known.values()].find(({ id }) => id?.startsWith(target)) : undefined),
    hasService: (service: string) => services.has(service),
  };

  /** Enters what is known of a record now. `again`: gets the groups that are to be made again. */
  function enter(name: string, again: Set<string>): void {
    const before = known.get(name);
    const now = read.record(name);
    for (const record of [before, now]) if (record !== undefined) again.add(plainId(record));
    if (before === now) return;
    const wake = (key: string): void => {
      for (const other of leaning.get(key) ?? []) {
        const record = known.get(other);
        if (record !== undefined) again.add(plainId(record));
      }
    };
    const hadService = before !== undefined && services.has(serviceOf(before));
    if (before !== undefined) {
      leave(groups, plainId(before), name);
      leave(services, serviceOf(before), name);
      for (const key of leansOn(before)) leave(leaning, key, name);
    }
    const hasService = now !== undefined && services.has(serviceOf(now));
    if (now === undefined) known.delete(name);
    else {
      known.set(name, now);
      join(groups, plainId(now), name);
      join(services, serviceOf(now), name);
      for (const key of leansOn(now)) join(leaning, key, name);
    }
    if (before !== undefined && hadService && !services.has(serviceOf(before))) wake(byService(serviceOf(before)));
    if (now !== undefined && !hasService) wake(byService(serviceOf(now)));
    wake(byName(name));
    wake(ANY_ID);
  }

  function remake(group: string): readonly NamedInstance[] {
    const records = [...(groups.get(group) ?? [])].flatMap((name) => known.get(name) ?? []);
    const containers = records.flatMap(({ id }) => (id === undefined ? [] : (read.container(id) ?? [])));
    return instancesOf({ ...read, records, containers, linked });
  }

  function keep(name: string, now: NamedInstance | undefined): InstanceChange | undefined {
    const before = made.get(name);
    const text = now && JSON.stringify(now);
    if (before?.text === text) return undefined;
    all = undefined;
    count(before?.instance.deployment, -1);
    count(now?.deployment, 1);
    if (now === undefined || text === undefined) made.delete(name);
    else made.set(name, { instance: now, text });
    return { before: before?.instance, now };
  }

  function count(deployment: string | undefined, by: 1 | -1): void {
    if (deployment === undefined) return;
    const size = (sizes.get(deployment) ?? 0) + by;
    if (size === 0 || (by === 1 && size === 1)) deployments = undefined;
    if (size === 0) sizes.delete(deployment);
    else sizes.set(deployment, size);
  }

  function update(): void {
    const again = new Set<string>();
    const names = new Set(read.touched());
    for (const name of names) enter(name, again);
    const gone = [...names].filter((name) => !known.has(name));
    for (const of of ['the instances', 'the name table'])
      each(
        { kind: 'container', of, isPart: true },
        gone,
        (name) => name,
        () => undefined,
      );
    const fresh = new Map<string, NamedInstance>();
    for (const group of again) {
      for (const name of groups.get(group) ?? []) names.add(name);
      for (const instance of remake(group)) fresh.set(instance.name, instance);
    }
    for (const name of names) {
      const change = keep(name, fresh.get(name));
      if (change === undefined) continue;
      const earlier = unreported.get(name);
      unreported.set(name, earlier === undefined ? change : { before: earlier.before, now: change.now });
    }
  }

  return {
    changes() {
      update();
      const changed = unreported;
      unreported = new Map();
      return [...changed.values()].filter(({ before, now }) => before !== now);
    },
    all() {
      update();
      return (all ??= [...made.values()].map(({ instance }) => instance).sort((a, b) => (a.id < b.id ? -1 : 1)));
    },
    deployments() {
      update();
      return (deployments ??= [...sizes.keys()].sort());
    },
  };
}

function join(index: Map<string, Set<string>>, key: string, name: string): void {
  index.set(key, (index.get(key) ?? new Set()).add(name));
}

function leave(index: Map<string, Set<string>>, key: string, name: string): void {
  const names = index.get(key);
  names?.delete(name);
  if (names?.size === 0) index.delete(key);
}
