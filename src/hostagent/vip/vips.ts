/**
 * Effects: leads calls of services' addresses to their instances, in the network namespace of each container of this host (`nsenter`, `nft`, `conntrack`).
 * The rules stay when the agent stops, and go with the namespace. Which containers have them decides what its DNS answers to them.
 */
import { createHash } from 'node:crypto';
import { createKeyed } from '../../async/keyed.ts';
import { ArpanetError } from '../../model/errors.ts';
import type { ContainerFacts } from '../../model/facts.ts';
import type { NamedInstance } from '../../model/name-table.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import { inNamespace, whyNot } from './namespaces.ts';
import { type Applied, appliedBy, changedRules, staleVipFlows, strayVipFlows, type Targets, VIP_TABLE, wholeRules } from './rules.ts';
import { createServiceIndex } from './service-index.ts';

export interface Vips {
  /** The whole name table, or what is new in it: the kernel follows. */
  readonly table: (instances: readonly NamedInstance[]) => void;
  readonly change: (put: readonly NamedInstance[], drop: readonly string[]) => void;
  /** Facts of these containers have changed. */
  readonly changed: (upserts: readonly ContainerFacts[], removes: readonly string[]) => void;
  /** All that there are. */
  readonly all: (containers: readonly ContainerFacts[]) => void;
  /** Whether the kernel leads this address of a service to its instances, for the container with this address. */
  readonly leadsTo: (client: string, vip: string) => boolean;
  /** Undefined: there is nothing to wait for. Else resolves once the container with this address has its rules, or after a second. */
  readonly settled: (client: string) => Promise<void> | undefined;
  /** Resolves once all changes up to now are in the kernel. Throws `unavailable` for a namespace that has rules of before. */
  readonly settle: () => Promise<void>;
  /** Looks at some namespaces, and puts back what somebody removed there. Never throws. */
  readonly reconcile: () => Promise<void>;
  /** What is not as it should be, in sentences. Throws nothing. */
  readonly differences: () => Promise<readonly string[]>;
}

/** The namespace of a running container. */
interface Space {
  readonly pid: number;
  /** It ran before this agent saw it: it may have rules of which nothing is known. */
  readonly isFound: boolean;
  applied: Applied | undefined;
  version: string;
  failure: string | undefined;
  /** It has had rules, and may have them still. */
  hasOld: boolean;
}

/** So many namespaces are looked at in one pass: a table in one is changed by nobody but its own container. */
const LOOKED_AT_ONCE = 4;
/** A query of a container that has just started waits so long for its rules. */
const SETTLE_MS = 1_000;
const NONE: Targets = new Map();

export function createVips(overlay: 'vxlan' | 'none', host: string, log: Logger): Vips {
  const keyed = createKeyed();
  const index = createServiceIndex(host);
  const spaces = new Map<string, Space>();
  /** By address, the container that has it. */
  const clients = new Map<string, string>();
  let failure: string | undefined;
  let nextLook = 0;
  const underWay = new Set<Promise<void>>();
  /** By container, what is called once it has its rules. */
  const waiting = new Map<string, Set<() => void>>();

  const wantedOf = (container: string): Targets => {
    const instance = index.instance(container);
    return instance === undefined ? NONE : index.targets(Object.keys(instance.addresses));
  };
  const versionOf = (targets: Targets): string =>
    createHash('sha256')
      .update(JSON.stringify([...targets]))
      .digest('hex')
      .slice(0, 16);

  const inside = ({ pid }: Space, words: readonly string[], input?: string): Promise<string> => inNamespace(pid, words, input);

  async function apply(container: string): Promise<void> {
    const space = spaces.get(container);
    if (space === undefined) return;
    const { applied: before } = space;
    const targets = wantedOf(container);
    if (before === undefined ? targets.size === 0 && !space.isFound : isSame(before.targets, targets)) return;
    const version = versionOf(targets);
    try {
      const isChange = before !== undefined && before.targets.size > 0 && targets.size > 0;
      space.applied = undefined;
      await inside(space, ['nft', '-f', '-'], isChange ? changedRules(before, targets, version) : wholeRules(targets, version));
      const stale =
        before === undefined
          ? strayVipFlows(await inside(space, ['conntrack', '-L', '-p', 'udp']).catch(() => ''), targets)
          : staleVipFlows(before.targets, targets);
      for (const words of stale) await inside(space, ['conntrack', ...words]).catch(() => undefined); // it fails where there is none
      space.applied = appliedBy(targets, before);
      space.version = version;
      space.hasOld = true;
      space.failure = undefined;
      failure = undefined;
      for (const resolve of waiting.get(container) ?? []) resolve();
      waiting.delete(container);
    } catch (err) {
      if (spaces.get(container) !== space) return;
      space.failure = whyNot(err);
      if (space.failure !== failure)
        log.warn({ container, err }, 'cannot lead calls of services’ addresses: names lead to their instances');
      failure = space.failure;
    }
  }

  const follow = (containers: Iterable<string>): void => {
    if (overlay === 'none') return;
    for (const container of new Set(containers)) {
      if (!spaces.has(container)) continue;
      const work: Promise<void> = keyed.serial(container, () => apply(container)).finally(() => underWay.delete(work));
      underWay.add(work);
      inBackground(log, 'addresses of services', work);
    }
  };
  const inNetworks = (networks: Iterable<string>): readonly string[] => [...networks].flatMap(index.local);

  function enter({ inspect }: ContainerFacts, isFound: boolean): void {
    const { Id: id, State } = inspect;
    const pid = Number(State['Pid'] ?? 0);
    if (!State.Running || pid <= 0) spaces.delete(id);
    else if (spaces.get(id)?.pid !== pid)
      spaces.set(id, { pid, isFound, applied: undefined, version: '', failure: undefined, hasOld: false });
  }
  function named(instances: readonly NamedInstance[]): void {
    for (const one of instances) if (one.host === host) for (const ip of Object.values(one.addresses)) clients.set(ip, one.container);
  }

  async function isInPlace(space: Space): Promise<boolean> {
    if (space.applied === undefined) return false;
    if (space.applied.targets.size === 0) return true;
    const text = await inside(space, ['nft', 'list', 'chain', 'ip', VIP_TABLE, 'version']).catch(() => '');
    return text.includes(`"${space.version}"`);
  }

  return {
    table(instances) {
      const touched = index.replace(instances);
      clients.clear();
      named(instances);
      follow(inNetworks(touched));
    },
    change(put, drop) {
      const left = drop.flatMap((container) => Object.values(index.instance(container)?.addresses ?? {}));
      for (const ip of left) clients.delete(ip);
      const touched = index.change(put, drop);
      named(put);
      follow(inNetworks(touched));
    },
    changed(upserts, removes) {
      for (const id of removes) spaces.delete(id);
      for (const facts of upserts) enter(facts, false);
      follow(upserts.map(({ inspect }) => inspect.Id));
    },
    all(containers) {
      const ids = new Set(containers.map(({ inspect }) => inspect.Id));
      for (const id of spaces.keys()) if (!ids.has(id)) spaces.delete(id);
      for (const facts of containers) enter(facts, true);
      follow(ids);
    },
    leadsTo: (client, vip) => spaces.get(clients.get(client) ?? '')?.applied?.targets.has(vip) === true,
    settled(client) {
      const container = clients.get(client);
      const instance = container === undefined ? undefined : index.instance(container);
      if (overlay === 'none' || container === undefined || instance === undefined) return undefined;
      const space = spaces.get(container);
      const isThere = index.vips(Object.keys(instance.addresses)).every((vip) => space?.applied?.targets.has(vip) === true);
      if (isThere || space?.failure !== undefined) return undefined;
      return new Promise((resolve) => {
        const waiters = waiting.get(container) ?? new Set();
        waiting.set(container, waiters);
        const done = (): void => {
          clearTimeout(timer);
          waiters.delete(done);
          if (waiters.size === 0 && waiting.get(container) === waiters) waiting.delete(container);
          resolve();
        };
        const timer = setTimeout(done, SETTLE_MS);
        waiters.add(done);
      });
    },
    async settle() {
      await Promise.allSettled(underWay);
      for (const { hasOld, failure: why } of spaces.values()) if (hasOld && why !== undefined) throw new ArpanetError('unavailable', why);
    },
    async reconcile() {
      if (overlay === 'none') return;
      const busy = [...spaces].filter(([container]) => wantedOf(container).size > 0);
      for (let looked = 0; looked < Math.min(LOOKED_AT_ONCE, busy.length); looked++) {
        const [container, space] = busy[nextLook++ % busy.length] ?? [];
        if (container === undefined || space === undefined) continue;
        await keyed.serial(container, async () => {
          if (await isInPlace(space)) return;
          if (space.applied !== undefined)
            log.warn({ container }, 'somebody changed the rules of services’ addresses in a container: they are back');
          space.applied = undefined;
          await apply(container);
        });
      }
    },
    async differences() {
      const found: string[] = [];
      for (const [container, space] of spaces) {
        if (overlay === 'none' || wantedOf(container).size === 0 || (await isInPlace(space))) continue;
        const name = index.instance(container)?.name ?? container.slice(0, 12);
        found.push(
          `services’ addresses are not used by container ${name}: ${space.failure ?? `the rules of nft’s table ${VIP_TABLE} in it are not as they should be`}`,
        );
      }
      return found;
    },
  };
}

const isSame = (one: Targets, other: Targets): boolean =>
  one.size === other.size && [...one].every(([vip, all]) => other.get(vip)?.join() === all.join());
