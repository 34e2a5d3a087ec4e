/**
 * Effects: keeps containers from the agents' port, the schedulers' API, the host's Docker port and the VXLAN port, with `iptables`
 * and `ip6tables`. The rules stay when the agent stops; what somebody removes is back after the next pass.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { createKeyed } from '../../async/keyed.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { HostPort } from '../../text/host-port.ts';
import { run } from '../overlay/run.ts';
import { CHAIN, type Closed, closedRules, JUMPS, ownLines, restoreText } from './closed-plan.ts';

export interface ClosedPorts {
  /** Makes the rules as they should be now. Never throws. */
  readonly reconcile: () => Promise<void>;
  /** What is open that should be closed, in sentences. */
  readonly differences: () => Promise<readonly string[]>;
}

export interface ClosedDeps extends Pick<Closed, 'agentPorts' | 'hostPorts'> {
  readonly overlay: 'vxlan' | 'none';
  /** As they are known now; names are looked up. */
  readonly schedulers: () => readonly HostPort[];
  readonly log: Logger;
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

  /** A name that cannot be looked up now keeps the addresses that it had. */
  async function resolved({ host, port }: HostPort): Promise<readonly HostPort[]> {
    if (isIP(host) !== 0) return [{ host, port }];
    const found = await lookup(host, { all: true }).catch(() => undefined);
    if (found !== undefined) addresses.set(host, found.map(({ address }) => address).toSorted());
    return (addresses.get(host) ?? []).map((address) => ({ host: address, port }));
  }
  async function wanted(): Promise<Closed> {
    const schedulers = (await Promise.all(deps.schedulers().map(resolved))).flat();
    return { agentPorts: deps.agentPorts, hostPorts: deps.hostPorts, schedulers };
  }
  const look = async (command: string): Promise<readonly string[]> => ownLines(await run(command, ['-w', '5', '-t', 'mangle', '-S']));

  async function apply(command: string, rules: readonly string[]): Promise<void> {
    const asked = rules.join('\n');
    const before = applied.get(command);
    const present = await look(command);
    if (before?.asked === asked && before.printed === present.join('\n')) return;
    await run(`${command}-restore`, ['-w', '5', '--noflush'], restoreText(rules, present));
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
    failure = undefined;
  }
  return {
    async reconcile() {
      if (overlay === 'none') return;
      await keyed.serial('closed', pass).catch((err: unknown) => {
        const why = err instanceof Error ? err.message : String(err);
        if (why !== failure) log.error({ err }, 'cannot keep containers from the cluster’s ports');
        failure = why;
      });
    },
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
