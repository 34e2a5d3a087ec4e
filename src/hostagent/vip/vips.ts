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
import { hasOwnNetwork } from '../isolation/guards-plan.ts';
import { createPatience } from '../patience.ts';
import { inNamespace, whyNot } from './namespaces.ts';
import {
  type Applied,
  appliedBy,
  changedRules,
  isSameList,
  staleVipFlows,
  strayVipFlows,
  type Targets,
  VIP_TABLE,
  wholeRules,
} from './rules.ts';
import { VERSION } from '../ingress/rules.ts';
import { createServiceIndex } from './service-index.ts';

export interface Vips {
  /** The whole name table, or what is new in it: the kernel follows. */
  readonly table: (instances: readonly NamedInstance[]) => void;
  readonly change: (put: readonly NamedInstance[], drop: readonly string[]) => void;
  /** A leader has said that the table is so now. */
  readonly heard: () => void;
  /** Facts of these containers have changed. */
  readonly changed: (upserts: readonly ContainerFacts[], removes: readonly string[]) => void;
  /** All that there are. */
  readonly all: (containers: readonly ContainerFacts[]) => void;
  /** Whether the kernel leads this address of a service to its instances, for the container with this address. */
  readonly leadsTo: (client: string, vip: string) => boolean;
  /** Undefined: there is nothing to wait for. Else resolves once the container with this address has its rules, or after a second; a wait without success is not repeated. */
  readonly settled: (client: string) => Promise<void> | undefined;
  /** Resolves once all changes up to now are in the kernel. Throws `unavailable` for a namespace that has rules of before, and before the first `all`. */
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
  /** By network, the services that `applied` has the addresses of, as the index tells them apart. */
  served: ReadonlyMap<string, number | undefined>;
  version: string;
  failure: string | undefined;
  /** It has had rules, and may have them still. */
  hasOld: boolean;
}

/** So many namespaces are looked at in one pass: a table in one is changed by nobody but its own container. */
const LOOKED_AT_ONCE = 4;
/** A query of a container that has just started waits so long for its rules. */
const SETTLE_MS = 1_000;

/** `patienceMs`: after a reboot it leads nobody by what it knew before it, for so long or until `heard`. */
export function createVips(overlay: 'vxlan' | 'none', host: string, log: Logger, patienceMs = 0): Vips {
  const keyed = createKeyed();
  const index = createServiceIndex(host);
  const spaces = new Map<string, Space>();
  /** By address, the container that has it. */
  const clients = new Map<string, string>();
  let failure: string | undefined;
  let nextLook = 0;
  const underWay = new Set<Promise<void>>();
  /** Containers whose next pass has not begun: it takes all that has changed. */
  const queued = new Set<string>();
  /** By container, what waits for its rules. */
  const waiting = new Map<string, { readonly rules: Promise<void>; readonly end: () => void }>();
  /** Containers that were waited for without success, and have had no rules since. */
  const late = new Set<string>();
  /** The Engine of this host has been read: each container that runs has a space. */
  let isRead = false;
  const patience = createPatience(patienceMs, () => follow(spaces.keys()));

  const networksOf = (container: string): readonly string[] => Object.keys(index.instance(container)?.addresses ?? {});
  /** Services have addresses in its networks. */
  const isServed = (container: string): boolean => networksOf(container).some((network) => index.served(network) !== undefined);
  const versionOf = (targets: Targets): string =>
    createHash('sha256')
      .update(JSON.stringify([...targets]))
      .digest('hex')
      .slice(0, 16);

  const inside = ({ pid }: Space, words: readonly string[], input?: string): Promise<string> => inNamespace(pid, words, input);

  const versionIn = (space: Space): Promise<string> => inside(space, ['nft', 'list', 'set', 'ip', VIP_TABLE, VERSION]).catch(() => '');
  const hasRules = async (space: Space): Promise<boolean> => (await versionIn(space)) !== '';

  async function apply(container: string): Promise<void> {
    const space = spaces.get(container);
    if (space === undefined) return;
    const { applied: before } = space;
    const networks = networksOf(container);
    const targets = index.targets(networks);
    const served = new Map(networks.map((network) => [network, index.served(network)]));
    if (before === undefined && targets.size === 0 && !space.isFound && !space.hasOld) return;
    if (before !== undefined && isSame(before.targets, targets)) {
      space.served = served;
      late.delete(container);
      waiting.get(container)?.end();
      return;
    }
    // rules in its network are those of an agent before this one, which followed the leader until it ended
    if (patience.isWaiting() && before === undefined && !(await hasRules(space))) return patience.wait();
    const version = versionOf(targets);
    try {
      const isChange = before !== undefined && before.targets.size > 0 && targets.size > 0;
      await inside(space, ['nft', '-f', '-'], isChange ? changedRules(before, targets, version) : wholeRules(targets, version));
      space.applied = appliedBy(targets, before);
      space.served = served;
      space.version = version;
      space.hasOld = targets.size > 0;
      space.failure = undefined;
      failure = undefined;
      late.delete(container);
      waiting.get(container)?.end();
      await endFlows(space, before, targets);
    } catch (err) {
      space.applied = undefined;
      if (spaces.get(container) !== space) return;
      waiting.get(container)?.end();
      space.failure = whyNot(err);
      if (space.failure !== failure)
        log.warn({ container, err }, 'cannot lead calls of services’ addresses: names lead to their instances');
      failure = space.failure;
    }
  }

  async function endFlows(space: Space, before: Applied | undefined, targets: Targets): Promise<void> {
    const stale =
      before !== undefined
        ? staleVipFlows(before.targets, targets)
        : targets.size === 0
          ? []
          : strayVipFlows(await inside(space, ['conntrack', '-L', '-p', 'udp']).catch(() => ''), targets);
    for (const words of stale) await inside(space, ['conntrack', ...words]).catch(() => undefined); // it fails where there is none
  }

  const follow = (containers: Iterable<string>): void => {
    if (overlay === 'none') return;
    for (const container of new Set(containers)) {
      if (!spaces.has(container) || queued.has(container)) continue;
      queued.add(container);
      const act = (): Promise<void> => {
        queued.delete(container);
        return apply(container);
      };
      const work: Promise<void> = keyed.serial(container, act).finally(() => underWay.delete(work));
      underWay.add(work);
      inBackground(log, 'addresses of services', work);
    }
  };

  /** One in another's network is led by the other's rules, and one in its host's by none. */
  function enter({ inspect }: ContainerFacts, isFound: boolean): void {
    const { Id: id, State } = inspect;
    const pid = Number(State['Pid'] ?? 0);
    if (!State.Running || pid <= 0 || !hasOwnNetwork(inspect)) forget(id);
    else if (spaces.get(id)?.pid !== pid) {
      late.delete(id);
      spaces.set(id, { pid, isFound, applied: undefined, served: new Map(), version: '', failure: undefined, hasOld: false });
    }
  }
  function forget(container: string): void {
    spaces.delete(container);
    late.delete(container);
  }
  function named(instances: readonly NamedInstance[]): void {
    for (const one of instances) if (one.host === host) for (const ip of Object.values(one.addresses)) clients.set(ip, one.container);
  }

  async function isInPlace(space: Space): Promise<boolean> {
    if (space.applied === undefined) return false;
    if (space.applied.targets.size === 0) return true;
    return (await versionIn(space)).includes(`"${space.version}"`);
  }

  return {
    table(instances) {
      const concerned = index.replace(instances);
      clients.clear();
      named(instances);
      follow(concerned);
    },
    change(put, drop) {
      // another container may have the address by now: it keeps it
      for (const container of [...drop, ...put.map((one) => one.container)])
        for (const ip of Object.values(index.instance(container)?.addresses ?? {})) if (clients.get(ip) === container) clients.delete(ip);
      const concerned = index.change(put, drop);
      named(put);
      follow(concerned);
    },
    heard: patience.end,
    changed(upserts, removes) {
      for (const id of removes) forget(id);
      for (const facts of upserts) enter(facts, false);
      follow(upserts.map(({ inspect }) => inspect.Id));
    },
    all(containers) {
      isRead = true;
      const ids = new Set(containers.map(({ inspect }) => inspect.Id));
      for (const id of [...spaces.keys(), ...late]) if (!ids.has(id)) forget(id);
      for (const facts of containers) enter(facts, true);
      follow(ids);
    },
    leadsTo: (client, vip) => spaces.get(clients.get(client) ?? '')?.applied?.targets.has(vip) === true,
    settled(client) {
      const container = clients.get(client);
      if (overlay === 'none' || container === undefined || patience.isWaiting()) return undefined;
      const space = spaces.get(container);
      if (late.has(container) || (space === undefined && !isRead)) return undefined;
      const isThere = networksOf(container).every((network) => {
        const served = index.served(network);
        return served === undefined || (space?.applied !== undefined && space.served.get(network) === served);
      });
      if (isThere || space?.failure !== undefined) return undefined;
      const under = waiting.get(container);
      if (under !== undefined) return under.rules;
      let end = (): void => undefined;
      const rules = new Promise<void>((resolve) => {
        end = () => {
          clearTimeout(timer);
          waiting.delete(container);
          resolve();
        };
        const timer = setTimeout(() => {
          late.add(container);
          end();
        }, SETTLE_MS);
      });
      waiting.set(container, { rules, end });
      return rules;
    },
    async settle() {
      if (overlay === 'none') return;
      if (!isRead)
        throw new ArpanetError(
          'unavailable',
          'the Docker Engine has not been read yet: what its containers have of services’ addresses is not known',
        );
      patience.end();
      await Promise.allSettled(underWay);
      for (const { isFound, hasOld, failure: why } of spaces.values())
        if ((isFound || hasOld) && why !== undefined) throw new ArpanetError('unavailable', why);
    },
    async reconcile() {
      if (overlay === 'none') return;
      const busy = [...spaces].filter(([container, space]) => space.failure !== undefined || isServed(container));
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
        if (overlay === 'none' || !isServed(container) || (await isInPlace(space))) continue;
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
  one === other || (one.size === other.size && [...one].every(([vip, all]) => isSameList(all, other.get(vip))));
