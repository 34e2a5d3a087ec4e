/**
 * Effects: keeps all others away from containers that say who may call them (label `arpanet.allow-from`) and whose own rules are not in their network yet: from their create
 * to just after their start, and while they do not run. By `nft`, in a table of the host's bridges (`arpanet-allow`), which sees what other containers send, and not the host.
 */
import { createKeyed } from '../../async/keyed.ts';
import type { ContainerInspect } from '../../model/docker.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import { run } from '../overlay/run.ts';
import { ALLOW_TABLE, gateRules } from './allow-plan.ts';

export interface Gate {
  /** The addresses are the container's own, of both families. */
  readonly close: (container: string, addresses: readonly string[]) => void;
  readonly open: (container: string) => void;
  /** The address has another owner than before, or none. */
  readonly owned: (address: string) => void;
  /** Resolves once the kernel has what was said up to now, or refused it. */
  readonly settle: () => Promise<void>;
  /** Puts back what somebody removed. Never throws. */
  readonly reconcile: () => Promise<void>;
  /** Why the kernel refused it; undefined: it did not. */
  readonly failure: () => string | undefined;
}

/** `isOthers`: whether an address that the container had is another's now: that one is not closed for it. */
export function createGate(isOthers: (address: string, container: string) => boolean, log: Logger): Gate {
  const keyed = createKeyed();
  const closed = new Map<string, readonly string[]>();
  /** All of theirs. */
  const addresses = new Set<string>();
  /** What the kernel has; undefined: it is not known. */
  let applied: string | undefined;
  let isQueued = false;
  let failure: string | undefined;

  async function apply(): Promise<void> {
    const all = [...closed].flatMap(([container, own]) => own.filter((one) => !isOthers(one, container)));
    const rules = gateRules(all);
    if (rules === applied || (applied === undefined && closed.size === 0 && !(await isThere()))) return;
    try {
      await run('nft', ['-f', '-'], rules);
      applied = rules;
      failure = undefined;
    } catch (err) {
      applied = undefined;
      const why = err instanceof Error ? err.message : String(err);
      if (why !== failure) log.error({ err }, 'containers can be called by others until their own rules are in place');
      failure = why;
    }
  }
  const isThere = (): Promise<boolean> =>
    run('nft', ['list', 'chain', 'bridge', ALLOW_TABLE, 'forward']).then(
      () => true,
      () => false,
    );
  function follow(): void {
    if (isQueued) return;
    isQueued = true;
    const act = (): Promise<void> => {
      isQueued = false;
      return apply();
    };
    inBackground(log, 'containers that nobody may call yet', keyed.serial('gate', act));
  }

  return {
    close(container, own) {
      if (closed.get(container)?.join() === own.join()) return;
      closed.set(container, own);
      for (const one of own) addresses.add(one);
      follow();
    },
    open(container) {
      if (!closed.delete(container)) return;
      addresses.clear();
      for (const one of [...closed.values()].flat()) addresses.add(one);
      follow();
    },
    owned(address) {
      if (addresses.has(address)) follow();
    },
    settle: () => keyed.serial('gate', async () => undefined),
    reconcile: () =>
      keyed.serial('gate', async () => {
        if (closed.size > 0 && applied !== undefined && !(await isThere())) applied = undefined;
        await apply();
      }),
    failure: () => failure,
  };
}

/** In each of its networks, running or not: the cluster gives an address with the create. */
export function addressesOf({ NetworkSettings }: ContainerInspect): readonly string[] {
  const found = Object.values(NetworkSettings?.Networks ?? {}).flatMap(({ IPAMConfig, IPAddress, GlobalIPv6Address }) => [
    IPAMConfig?.IPv4Address || IPAddress,
    IPAMConfig?.IPv6Address || GlobalIPv6Address,
  ]);
  return [...new Set(found.flatMap((one) => (one ? [one] : [])))].toSorted();
}
