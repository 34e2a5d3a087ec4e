/** Effects: keeps out who may not call a container of this host, in its own network namespace (`nsenter`, `nft`). The rules stay when the agent stops. */
import { createKeyed } from '../../async/keyed.ts';
import type { ContainerFacts } from '../../model/facts.ts';
import type { NamedInstance } from '../../model/name-table.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import { labels } from '../../model/labels.ts';
import { hasOwnNetwork } from '../isolation/guards-plan.ts';
import { createPatience } from '../patience.ts';
import { inNamespace, whyNot } from '../vip/namespaces.ts';
import { ALLOW_TABLE, allowRules, NO_ALLOW } from './allow-plan.ts';
import { addressesOf, createGate } from './gate.ts';

export interface Allow {
  /** The whole name table, or what is new in it. */
  readonly table: (instances: readonly NamedInstance[]) => void;
  readonly change: (put: readonly NamedInstance[], drop: readonly string[]) => void;
  /** A leader has said that the table is so now. */
  readonly heard: () => void;
  /** Facts of these containers have changed. */
  readonly changed: (upserts: readonly ContainerFacts[], removes: readonly string[]) => void;
  /** All that there are. Resolves once nobody reaches those whose rules are not in place, as far as the kernel takes that. Never throws. */
  readonly all: (containers: readonly ContainerFacts[]) => Promise<void>;
  /** The same for those whose facts have come: they may be started. */
  readonly settle: () => Promise<void>;
  /** Tries again what failed, and puts back what somebody removed in one of the others. Never throws. */
  readonly reconcile: () => Promise<void>;
  /** Which containers are open to others than they say, in sentences. Throws nothing. */
  readonly differences: () => Promise<readonly string[]>;
}

interface Space {
  readonly pid: number;
  applied: string | undefined;
  failure: string | undefined;
}

/** `patienceMs`: after a reboot nobody is let in by what it knew before it, for so long or until `heard`. */
export function createAllow(overlay: 'vxlan' | 'none', host: string, log: Logger, patienceMs = 0): Allow {
  const keyed = createKeyed();
  /** By address, the container that has it: that of one that runs, where another had it before. */
  const owners = new Map<string, string>();
  const gate = createGate((address, container) => (owners.get(address) ?? container) !== container, log);
  const instances = new Map<string, NamedInstance>();
  /** By network, containers with an address in it; of these, those of this host that keep others out. */
  const members = new Map<string, Set<string>>();
  const guarded = new Map<string, Set<string>>();
  const spaces = new Map<string, Space>();
  let nextLook = 0;
  const patience = createPatience(patienceMs, () => follow(spaces.keys()));
  /** Containers whose next pass has not begun: it takes all that has changed. */
  const queued = new Set<string>();
  /** Calls of `found` under way, and containers whose facts have come since they began. */
  let looks = 0;
  const newer = new Set<string>();

  function enter(instance: NamedInstance): void {
    instances.set(instance.container, instance);
    for (const address of addressesIn(instance)) {
      const owner = instances.get(owners.get(address) ?? '');
      if (instance.state === 'out' && owner !== undefined && owner.state !== 'out') continue;
      owners.set(address, instance.container);
      gate.owned(address);
    }
    for (const network of Object.keys(instance.addresses)) {
      members.set(network, (members.get(network) ?? new Set()).add(instance.container));
      if (instance.host === host && instance.allowFrom !== undefined)
        guarded.set(network, (guarded.get(network) ?? new Set()).add(instance.container));
    }
  }
  function remove(container: string): readonly string[] {
    const before = instances.get(container);
    const networks = Object.keys(before?.addresses ?? {});
    for (const address of before === undefined ? [] : addressesIn(before)) {
      if (owners.get(address) === container) owners.delete(address);
      gate.owned(address);
    }
    instances.delete(container);
    for (const network of networks)
      for (const index of [members, guarded]) {
        index.get(network)?.delete(container);
        if (index.get(network)?.size === 0) index.delete(network);
      }
    return networks;
  }

  /** Undefined: nothing is known of it, and what the kernel has stays. */
  function wantedOf(container: string): string | undefined {
    const own = instances.get(container);
    if (own === undefined) return undefined;
    if (own.allowFrom === undefined) return NO_ALLOW;
    const near = new Set(Object.keys(own.addresses).flatMap((network) => [...(members.get(network) ?? [])]));
    return allowRules(
      own,
      [...near].flatMap((one) => instances.get(one) ?? []),
    );
  }

  async function apply(container: string): Promise<void> {
    const space = spaces.get(container);
    const wanted = wantedOf(container);
    if (space === undefined || wanted === undefined) return;
    if (space.failure === undefined && wanted === (space.applied ?? NO_ALLOW)) return gate.open(container);
    // until then the gate is closed
    if (patience.isWaiting() && space.applied === undefined && !(await hasRules(space.pid))) return patience.wait();
    try {
      await inNamespace(space.pid, ['nft', '-f', '-'], wanted);
      space.applied = wanted;
      space.failure = undefined;
      if (spaces.get(container) === space) gate.open(container);
    } catch (err) {
      if (spaces.get(container) !== space) return;
      const why = whyNot(err);
      if (why !== space.failure) log.error({ container, err }, 'cannot keep out who may not call a container');
      space.failure = why;
    }
  }
  const follow = (containers: Iterable<string>): void => {
    if (overlay === 'none') return;
    for (const container of new Set(containers))
      if (spaces.has(container) && !queued.has(container)) {
        queued.add(container);
        const act = (): Promise<void> => {
          queued.delete(container);
          return apply(container);
        };
        inBackground(log, 'who may call a container', keyed.serial(`allow ${container}`, act));
      }
  };
  const inNetworks = (networks: Iterable<string>): readonly string[] =>
    [...networks].flatMap((network) => [...(guarded.get(network) ?? [])]);

  /** One in another's network has no rules of its own: they would take the place of the other's. */
  function seen({ inspect }: ContainerFacts): void {
    const { Id: id, State } = inspect;
    const pid = Number(State['Pid'] ?? 0);
    if (!hasOwnNetwork(inspect)) return forget(id);
    const isKnown = State.Running && spaces.get(id)?.pid === pid;
    if (!isKnown && isGuarded(inspect)) gate.close(id, addressesOf(inspect));
    if (!State.Running || pid <= 0) spaces.delete(id);
    else if (!isKnown) spaces.set(id, { pid, applied: undefined, failure: undefined });
  }
  function forget(id: string): void {
    spaces.delete(id);
    gate.open(id);
  }
  const hasRules = (pid: number): Promise<boolean> =>
    inNamespace(pid, ['nft', 'list', 'chain', 'inet', ALLOW_TABLE, 'input']).then(
      (text) => text.includes('@others4'),
      () => false,
    );
  /** Those that run and have the rules of an agent before this one are not closed for a moment. */
  async function found(containers: readonly ContainerFacts[]): Promise<void> {
    looks += 1;
    const looked = containers.filter(({ inspect }) => inspect.State.Running && isGuarded(inspect) && !spaces.has(inspect.Id));
    const open = new Set<string>();
    for (const { inspect } of looked) if (await hasRules(Number(inspect.State['Pid'] ?? 0))) open.add(inspect.Id);
    for (const facts of containers) {
      const { Id: id } = facts.inspect;
      if (newer.has(id)) continue;
      if (open.has(id) && !spaces.has(id))
        spaces.set(id, { pid: Number(facts.inspect.State['Pid']), applied: undefined, failure: undefined });
      seen(facts);
    }
    looks -= 1;
    if (looks === 0) newer.clear();
  }
  async function isInPlace(container: string, { pid, applied, failure }: Space): Promise<boolean> {
    if (failure !== undefined || applied === undefined || applied !== wantedOf(container)) return false;
    return await hasRules(pid);
  }
  const closed = (): readonly (readonly [string, Space])[] =>
    overlay === 'none' ? [] : [...spaces].filter(([container]) => instances.get(container)?.allowFrom !== undefined);

  return {
    table(all) {
      instances.clear();
      members.clear();
      guarded.clear();
      owners.clear();
      for (const instance of all) enter(instance);
      // also those that keep out nobody: by this table it may be known that they do not
      follow(spaces.keys());
    },
    change(sent, drop) {
      // whether it is ready is nothing to who may call
      const put = sent.filter((one) => !isSame(instances.get(one.container), one));
      const left = [...drop, ...put.map(({ container }) => container)].flatMap(remove);
      for (const instance of put) enter(instance);
      const near = inNetworks([...left, ...put.flatMap(({ addresses }) => Object.keys(addresses))]);
      follow([...near, ...put.map(({ container }) => container)]);
    },
    heard: patience.end,
    changed(upserts, removes) {
      if (overlay === 'none') return;
      if (looks > 0) for (const id of [...removes, ...upserts.map(({ inspect }) => inspect.Id)]) newer.add(id);
      for (const id of removes) forget(id);
      for (const facts of upserts) seen(facts);
      follow(upserts.map(({ inspect }) => inspect.Id));
    },
    async all(containers) {
      if (overlay === 'none') return;
      const ids = new Set(containers.map(({ inspect }) => inspect.Id));
      for (const id of spaces.keys()) if (!ids.has(id)) forget(id);
      await found(containers);
      follow(ids);
      await gate.reconcile();
    },
    settle: gate.settle,
    async reconcile() {
      if (overlay === 'none') return;
      await gate.reconcile();
      const failed = [...spaces].filter(([, { failure }]) => failure !== undefined);
      const whole = closed().filter(([, { failure }]) => failure === undefined);
      const looked = whole.length === 0 ? [] : whole.slice(nextLook % whole.length).slice(0, 1);
      nextLook += 1;
      for (const [container, space] of [...failed, ...looked])
        await keyed.serial(`allow ${container}`, async () => {
          if (spaces.get(container) !== space || (await isInPlace(container, space))) return;
          space.applied = undefined;
          await apply(container);
        });
    },
    async differences() {
      const why = gate.failure();
      const found =
        why === undefined
          ? []
          : [`containers with the label arpanet.allow-from can be called by others until their own rules are in place: ${why}`];
      for (const [container, space] of closed()) {
        if (await isInPlace(container, space)) continue;
        const name = instances.get(container)?.name ?? container.slice(0, 12);
        found.push(
          `container ${name} can be called by others than its label arpanet.allow-from says: ${space.failure ?? `the rules of nft’s table ${ALLOW_TABLE} in it are not as they should be`}`,
        );
      }
      return found;
    },
  };
}

/** One of the cluster's, by its labels; what made it says whether the label counts (`NamedInstance.allowFrom`), and opens it if not. */
const isGuarded = ({ Config }: ContainerFacts['inspect']): boolean =>
  Boolean(Config?.Labels?.[labels.allowFrom]) && Config?.Labels?.[labels.record] !== undefined;

const addressesIn = ({ addresses, addresses6 = {} }: NamedInstance): readonly string[] => [
  ...Object.values(addresses),
  ...Object.values(addresses6),
];

const callerOf = ({ host, deployment, service, addresses, addresses6, allowFrom, state }: NamedInstance): string =>
  JSON.stringify([host, deployment, service, addresses, addresses6, allowFrom, state === 'out']);
const isSame = (before: NamedInstance | undefined, now: NamedInstance): boolean =>
  before !== undefined && callerOf(before) === callerOf(now);
