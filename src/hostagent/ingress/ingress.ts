/**
 * Effects: answers for published ports of mode ingress on this host, with rules of the kernel (kernel-ports.ts) and a listener for
 * each port, so that no other program takes it (holders.ts). The rules stay when the agent stops; what somebody removes is back after the next pass.
 */
import { createKeyed } from '../../async/keyed.ts';
import { ingressKey, type IngressPort, type IngressTable } from '../../model/ingress.ts';
import { ArpanetError } from '../../model/errors.ts';
import type { LeaderMessage } from '../../model/wire.ts';
import type { Logger } from '../../telemetry/log.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { JsonFile } from '../json-file.ts';
import { createPatience } from '../patience.ts';
import { createHolders } from './holders.ts';
import { createKernelPorts } from './kernel-ports.ts';
import { createProxyHop } from './proxy-hop.ts';

type Message = Extract<LeaderMessage, { readonly type: 'ingress' }>;

export interface Ingress {
  /** What the leader says is taken over and saved at once; the kernel follows. */
  readonly take: (message: Message) => void;
  /** An operator removed this host from the cluster: it answers for nothing. */
  readonly clear: () => void;
  /** Resolves once all messages up to now are in the kernel. Throws `unavailable` when they cannot be. */
  readonly settle: () => Promise<void>;
  /** Puts back what somebody removed, and asks again for ports that others had. Never throws. */
  readonly reconcile: () => Promise<void>;
  /** What is not as it should be, in sentences; nothing where no port is published. Throws nothing. */
  readonly differences: () => Promise<readonly string[]>;
  /** The same as far as it is known without looking. */
  readonly trouble: () => readonly string[];
}

export interface IngressDeps {
  readonly overlay: 'vxlan' | 'none';
  /** Name of this host. */
  readonly host: string;
  readonly file: JsonFile<IngressTable>;
  /** CIDRs of the cluster's networks that are here. */
  readonly subnets: () => readonly string[];
  /** TCP ports of agents and schedulers, as they are known now: no published port takes one. */
  readonly apis: () => readonly number[];
  /** After a reboot of the host it leads nobody by what it knew before it, for so long or until a leader has said what is so now. */
  readonly patienceMs: number;
  readonly log: Logger;
}

const NONE: IngressTable = { ports: [], hosts: [] };

/** The table after a message: the same object where nothing is other, and with the same objects for ports that are as they were. Pure. */
export function afterMessage(table: IngressTable, { isWhole, ports, gone = [], ...sent }: Message): IngressTable {
  const before = new Map(table.ports.map((port) => [ingressKey(port), port]));
  const now = new Map(isWhole === true ? [] : before);
  for (const key of gone) now.delete(key);
  for (const port of ports) {
    const was = before.get(ingressKey(port));
    now.set(ingressKey(port), was !== undefined && JSON.stringify(was) === JSON.stringify(port) ? was : port);
  }
  const { hosts, hosts6 } = sent.hosts === undefined ? table : sent;
  const next = { ports: [...now.values()], hosts: hosts ?? [], hosts6: hosts6 ?? [] };
  const isSame = next.ports.length === table.ports.length && next.ports.every((port, index) => table.ports[index] === port);
  return isSame && next.hosts.join() === table.hosts.join() && next.hosts6.join() === (table.hosts6 ?? []).join() ? table : next;
}

export function createIngress({ overlay, host, file, subnets, apis, patienceMs, log }: IngressDeps): Ingress {
  const keyed = createKeyed();
  const holders = createHolders(host, apis, log);
  const hop = createProxyHop(host, log);
  const kernels = ([4, 6] as const).map((family) => createKernelPorts(family, { host, subnets, log }));
  /** The kernel has taken what there was once since this process began. */
  let isLoaded = false;
  const patience = createPatience(file.value() === undefined ? 0 : patienceMs, () => inBackground(log, 'published ports', follow(false)));
  let failure: string | undefined;
  let queued = false;

  const wanted = (): IngressTable => file.value() ?? NONE;

  async function pass(isLook: boolean): Promise<void> {
    const table = wanted();
    // nothing was published here before, as far as this process knows, and nothing is now
    const isIdle = table.ports.length === 0 && !isLoaded && file.value() === undefined;
    if (overlay === 'none' || isIdle) return;
    // rules in the kernel are those of an agent before this one, which followed the leader until it ended
    const isTooEarly = patience.isWaiting() && !(await isAnyThere());
    await holders.hold(isTooEarly ? table.ports.map((port) => ({ ...port, instances: [] })) : table.ports);
    if (isTooEarly) return patience.wait();
    await hop.follow(table);
    for (const { family, load } of kernels)
      await load({ ...table, ports: table.ports.filter((port) => holders.isHeld(port, family) && !isCarried(port)) }, isLook);
    isLoaded = true;
    failure = undefined;
  }

  const isAnyThere = async (): Promise<boolean> => (await Promise.all(kernels.map((one) => one.isThere()))).includes(true);
  function follow(isLook: boolean): Promise<void> {
    return keyed
      .serial('ingress', () => pass(isLook))
      .catch((err: unknown) => {
        const why = err instanceof Error ? err.message : String(err);
        if (why !== failure) log.error({ err }, 'cannot answer for published ports');
        failure = why;
      });
  }

  /** Several messages at once are one change of the kernel. */
  function change(table: IngressTable): void {
    if (table === wanted()) return;
    file.save(table);
    if (queued) return;
    queued = true;
    const act = async (): Promise<void> => {
      queued = false;
      await follow(false);
    };
    inBackground(log, 'published ports', keyed.serial('change', act));
  }

  function trouble(): readonly string[] {
    const { ports } = wanted();
    if (ports.length === 0) return [];
    const numbers = ports.map(({ port, protocol }: IngressPort) => `${port}/${protocol}`);
    if (overlay === 'none') return [`published ports are not answered on this host: its agent runs with --overlay none (${few(numbers)})`];
    return [
      ...(failure === undefined ? [] : [`published ports are not answered as they should be on this host: ${failure}`]),
      ...holders.trouble(),
      ...[hop.trouble() ?? []].flat(),
    ];
  }

  return {
    take(message) {
      change(afterMessage(wanted(), message));
      patience.end();
    },
    clear: () => change(NONE),
    reconcile: () => follow(true),
    async settle() {
      await keyed.serial('change', async () => undefined);
      patience.end();
      // a process that has just begun has loaded nothing yet, and the kernel leads where the one before it left it
      if (!isLoaded || failure !== undefined) await follow(false);
      if (failure !== undefined && wanted().ports.length > 0) throw new ArpanetError('unavailable', failure);
    },
    trouble,
    async differences() {
      const known = trouble();
      const table = wanted();
      if (table.ports.length === 0 || overlay === 'none') return known;
      const found = await Promise.all(kernels.map(async (kernel) => await kernel.differences(table)));
      return [...known, ...found.flat().filter((one) => failure === undefined || !one.includes('not as they should be'))];
    },
  };
}

/** By agents, and not by the kernel's rules. */
const isCarried = ({ instances }: IngressPort): boolean => instances.some((one) => one.isProxied === true);

const few = (all: readonly string[]): string => [...all.slice(0, 5), ...(all.length > 5 ? [`and ${all.length - 5} more`] : [])].join(', ');
