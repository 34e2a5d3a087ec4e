/**
 * Effects: keeps containers from the agents' port, the schedulers' API, the hosts' Docker ports and the VXLAN port, with `iptables` and `ip6tables`: on the host, and in the networks of
 * containers that are on a wire of it (macvlan, ipvlan). The rules stay when the agent stops; what somebody removes on the host is back after the next pass.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { createKeyed } from '../../async/keyed.ts';
import type { ContainerFacts } from '../../model/facts.ts';
import type { LeaderMessage } from '../../model/wire.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { HostPort } from '../../text/host-port.ts';
import { run } from '../overlay/run.ts';
import { inNamespace } from '../vip/namespaces.ts';
import { CHAIN, type Closed, closedRules, hostsOf, JUMPS, ownLines, restoreText, type Rules, WIRE_JUMPS } from './closed-plan.ts';
import { hasOwnNetwork } from './guards-plan.ts';

export interface ClosedPorts {
  /** The leader names hosts. */
  readonly take: (message: Extract<LeaderMessage, { readonly type: 'closed' }>) => void;
  /** Facts of these containers have changed. */
  readonly changed: (upserts: readonly ContainerFacts[], removes: readonly string[]) => void;
  /** All that there are. */
  readonly all: (containers: readonly ContainerFacts[]) => void;
  /** Makes the rules as they should be now. Never throws. */
  readonly reconcile: () => Promise<void>;
  /** What is open that should be closed, in sentences. */
  readonly differences: () => Promise<readonly string[]>;
}

export interface ClosedDeps extends Pick<Closed, 'ownPorts'> {
  readonly overlay: 'vxlan' | 'none';
  /** Whether a network of this name is a wire of the host. */
  readonly isOnWire: (network: string) => boolean;
  /** As they are known now; names are looked up. */
  readonly schedulers: () => readonly HostPort[];
  readonly log: Logger;
}

/** A container on a wire of this host: a process of it, and the rules that are in its network. */
interface Wired {
  readonly pid: number;
  applied?: string;
  failure?: string;
}

const FAMILIES = [
  [4, 'iptables'],
  [6, 'ip6tables'],
] as const;

export function createClosedPorts(deps: ClosedDeps): ClosedPorts {
  const { overlay, log } = deps;
  const keyed = createKeyed();
  const addresses = new Map<string, readonly string[]>();
  /** By command: the rules asked for, and how the kernel prints them. */
  const applied = new Map<string, { readonly asked: string; readonly printed: string }>();
  let failure: string | undefined;
  let waiting: Promise<void> | undefined;
  /** As the leader names them; undefined: none has. */
  let gateways: Set<string> | undefined;
  /** By id. */
  const wired = new Map<string, Wired>();

  /** A name that cannot be looked up now keeps the addresses that it had. */
  async function resolved({ host, port }: HostPort): Promise<readonly HostPort[]> {
    if (isIP(host) !== 0) return [{ host, port }];
    const found = await lookup(host, { all: true }).catch(() => undefined);
    if (found !== undefined) addresses.set(host, found.map(({ address }) => address).toSorted());
    return (addresses.get(host) ?? []).map((address) => ({ host: address, port }));
  }
  async function wanted(): Promise<Closed> {
    const schedulers = (await Promise.all(deps.schedulers().map(resolved))).flat();
    return { hosts: gateways && hostsOf(gateways), ownPorts: deps.ownPorts, schedulers };
  }
  const look = async (command: string): Promise<readonly string[]> => ownLines(await run(command, ['-w', '5', '-t', 'mangle', '-S']));

  async function apply(command: string, rules: Rules): Promise<void> {
    const asked = restoreText(rules, [], []);
    const before = applied.get(command);
    const present = await look(command);
    if (before?.asked === asked && before.printed === present.join('\n')) return;
    await run(`${command}-restore`, ['-w', '5', '--noflush'], restoreText(rules, JUMPS, present));
    applied.set(command, { asked, printed: (await look(command)).join('\n') });
    if (before?.asked === asked)
      log.warn({ command }, 'somebody changed the rules that keep containers from the cluster’s ports: they are back');
  }
  async function pass(): Promise<void> {
    const closed = await wanted();
    for (const [family, command] of FAMILIES) {
      await apply(command, closedRules(family, closed)).catch((error: unknown) => {
        if (family === 4) throw error;
        log.debug({ err: error }, 'no rules for IPv6');
      });
    }
    for (const [id, one] of wired) await applyWired(id, one, closed);
    failure = undefined;
  }
  /** Nobody but who may administer its network changes its rules: they are written once. */
  async function applyWired(id: string, one: Wired, closed: Closed): Promise<void> {
    const asked = FAMILIES.map(([family]) => restoreText(closedRules(family, closed, false), [], [])).join('');
    if (one.applied === asked) return;
    try {
      for (const [family, command] of FAMILIES) {
        const fill = async (): Promise<void> => {
          const present = ownLines(await inNamespace(one.pid, [command, '-w', '5', '-t', 'mangle', '-S']));
          const text = restoreText(closedRules(family, closed, false), WIRE_JUMPS, present);
          await inNamespace(one.pid, [`${command}-restore`, '-w', '5', '--noflush'], text);
        };
        await fill().catch((error: unknown) => (family === 4 ? Promise.reject(error as Error) : undefined));
      }
      one.applied = asked;
    } catch (err) {
      // of one that has ended nothing is left to close
      const why = err instanceof Error ? err.message : String(err);
      if (wired.get(id) === one && one.failure !== why)
        log.warn({ container: id, err }, 'cannot keep a container on a wire of this host from the cluster’s ports');
      one.failure = why;
    }
  }
  /** True: there is one more whose network has no rules yet. */
  function seen({ inspect }: ContainerFacts): boolean {
    const { Id: id, State } = inspect;
    const pid = Number(State['Pid'] ?? 0);
    const isWired = Object.keys(inspect.NetworkSettings.Networks ?? {}).some(deps.isOnWire);
    if (!State.Running || pid <= 0 || !isWired || !hasOwnNetwork(inspect)) {
      wired.delete(id);
      return false;
    }
    if (wired.get(id)?.pid === pid) return false;
    wired.set(id, { pid });
    return true;
  }
  function follow(containers: readonly ContainerFacts[]): void {
    if (overlay !== 'none' && containers.filter(seen).length > 0) inBackground(log, 'ports closed to a container', reconcile());
  }
  /** One that has not begun takes all that has changed. */
  function reconcile(): Promise<void> {
    if (overlay === 'none') return Promise.resolve();
    waiting ??= keyed.serial('closed', begun).catch((err: unknown) => {
      const why = err instanceof Error ? err.message : String(err);
      if (why !== failure) log.error({ err }, 'cannot keep containers from the cluster’s ports');
      failure = why;
    });
    return waiting;
  }
  async function begun(): Promise<void> {
    waiting = undefined;
    await pass();
  }
  return {
    take({ hosts, gone = [], isWhole }) {
      // a change of what this process has not heard says nothing
      if (gateways === undefined && isWhole !== true) return;
      const now = new Set(isWhole === true ? [] : gateways);
      for (const one of gone) now.delete(one);
      for (const one of hosts) now.add(one);
      gateways = now;
      inBackground(log, 'ports closed to containers', reconcile());
    },
    changed(upserts, removes) {
      for (const id of removes) wired.delete(id);
      follow(upserts);
    },
    all(containers) {
      const ids = new Set(containers.map(({ inspect }) => inspect.Id));
      for (const id of wired.keys()) if (!ids.has(id)) wired.delete(id);
      follow(containers);
    },
    reconcile,
    async differences() {
      if (overlay === 'none') return [];
      const present = await look('iptables').catch((): readonly string[] => []);
      const isComplete = JUMPS.every((jump) => present.includes(`-A ${jump}`)) && present.join('\n') === applied.get('iptables')?.printed;
      return isComplete
        ? []
        : [`containers can reach ports of the cluster: the rules of iptables’ chain ${CHAIN} are not as they should be`];
    },
  };
}
