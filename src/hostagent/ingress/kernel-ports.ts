/**
 * Effects: loads the rules of published ports of one family, by `nft`, or where that is missing by `iptables-restore`; and ends UDP flows to instances that are
 * gone (`conntrack`). One rule in Docker's chain for its users (DOCKER-USER) accepts what it leads on.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ArpanetError } from '../../model/errors.ts';
import type { IngressPort, IngressTable } from '../../model/ingress.ts';
import type { Logger } from '../../telemetry/log.ts';
import { run } from '../overlay/run.ts';
import { restoreIngress, VERSION_CHAIN } from './iptables-plan.ts';
import {
  ACCEPT,
  chainsFor,
  chainsIn,
  changedIngress,
  type Family,
  type HostIngress,
  ingressRules,
  ofFamily,
  staleFlows,
  TABLE,
  tableOf,
  VERSION,
} from './rules.ts';
import { forwardChains, whatItDrops } from './dropping-chains.ts';

export interface KernelPorts {
  readonly family: Family;
  /** `isLook`: it also looks whether what others can change is as it was. Throws `unavailable` when the kernel does not take them. */
  readonly load: (table: IngressTable, isLook: boolean) => Promise<void>;
  /** Whether the kernel has such rules, whatever they say. Never throws. */
  readonly isThere: () => Promise<boolean>;
  /** What else keeps published ports of the table from answering, in sentences. Throws nothing. */
  readonly differences: (table: IngressTable) => Promise<readonly string[]>;
}

export interface KernelPortsDeps {
  /** Name of this host. */
  readonly host: string;
  /** CIDRs of the cluster's networks that are here, of both families. */
  readonly subnets: () => readonly string[];
  readonly log: Logger;
}

const CHAIN = 'DOCKER-USER';
const FORWARDING = { 4: 'net.ipv4.ip_forward', 6: 'net.ipv6.conf.all.forwarding' } as const;

type Tool = 'nft' | 'iptables';

export function createKernelPorts(family: Family, { host, subnets, log }: KernelPortsDeps): KernelPorts {
  const iptables = family === 4 ? 'iptables' : 'ip6tables';
  const inFamily = (address: string): boolean => address.includes(':') === (family === 6);
  let applied: HostIngress | undefined;
  /** What loaded them. */
  let tool: Tool = 'nft';
  /** For how many instances of a port it has chains. */
  let chains = 0;
  /** What the kernel took last: after a failed change it still leads there. Undefined: nothing since this process began. */
  let before: Pick<IngressTable, 'ports'> | undefined;
  const made = new WeakMap<IngressPort, IngressPort>();
  /** Of each port: a change costs as much as the ports that differ. */
  const digests = new WeakMap<IngressPort, string>();
  /** Undefined: it is not known. */
  let isAccepted: boolean | undefined;
  const at = family === 6 ? ' at IPv6 addresses' : '';

  /** The version of the rules in the kernel, by either tool; undefined: it has none. */
  async function found(): Promise<string | undefined> {
    const nft = await run('nft', ['list', 'set', ...tableOf(family).split(' '), VERSION]).catch(() => undefined);
    const text = nft ?? (await run(iptables, ['-w', '5', '-t', 'nat', '-S', VERSION_CHAIN]).catch(() => undefined));
    if (text !== undefined) tool = nft === undefined ? 'iptables' : 'nft';
    return text;
  }
  const isInPlace = async (version: string): Promise<boolean> => (await found())?.includes(version) === true;

  const chainsThere = async (): Promise<number> =>
    chainsIn(await run('nft', ['list', 'chains', ...tableOf(family).split(' ').slice(0, 1)]).catch(() => ''), family);

  /** What the other tool made before is taken away, once these are in place. */
  async function replace(ingress: HostIngress, isFirst: boolean): Promise<void> {
    try {
      await run('nft', ['-f', '-'], ingressRules(ingress));
      if (tool === 'iptables' || isFirst) await restore({ ...ingress, ports: [] }).catch(() => undefined);
      tool = 'nft';
    } catch (error) {
      if (!isMissing(error)) throw error;
      await restore(ingress).catch((other: unknown) => {
        throw isMissing(other) ? new ArpanetError('unavailable', `nft and ${iptables}-restore cannot be run: install nftables`) : other;
      });
      tool = 'iptables';
    }
  }
  async function restore(ingress: HostIngress): Promise<void> {
    const present = (await run(iptables, ['-w', '5', '-t', 'nat', '-S'])).split('\n');
    const text = restoreIngress(ingress, present);
    if (text !== undefined) await run(`${iptables}-restore`, ['-w', '5', '--noflush'], text);
  }

  async function loadPorts(input: HostIngress): Promise<void> {
    const { ports, version } = input;
    const isSame = applied?.version === version;
    const isNothing = ports.every(isEmpty);
    if (isNothing && applied?.ports.every(isEmpty) === true) {
      applied = input;
      before = { ports };
      return;
    }
    const there = isSame || applied === undefined ? await found() : undefined;
    const isThere = there?.includes(version) === true;
    if (isSame && isThere) return;
    // where somebody removed the table meanwhile, a change of it is refused
    const change = applied === undefined || isSame || tool !== 'nft' ? undefined : changedIngress(applied, input, chains);
    const isFirst = applied === undefined;
    applied = undefined;
    const isChanged = change !== undefined && (await run('nft', ['-f', '-'], change).catch(() => undefined)) !== undefined;
    const isToDo = !isThere && !isChanged && !(isNothing && isFirst && there === undefined);
    if (isToDo)
      await replace(input, isFirst).catch((error: unknown) => {
        if (!isNothing) throw error; // without the tools, or the family, there is nothing to remove
      });
    if (!isChanged) chains = isThere ? await chainsThere() : chainsFor(input);
    applied = input;
    if (isSame && !isNothing) log.warn({ table: TABLE, family }, 'somebody changed the rules of published ports: they are back');
    // the rules of an agent that ended are found as it left them: nobody has gone
    const stale = staleFlows(before ?? { ports: isThere ? ports : [] }, { ports }, host, family);
    before = { ports };
    for (const words of stale) await run('conntrack', words).catch(() => undefined); // it fails where there is none
  }

  const chainLines = async (): Promise<readonly string[]> => (await run(iptables, ['-w', '5', '-S', CHAIN])).split('\n');

  /** Before Docker's own `RETURN`, and after what the host's user has there. */
  async function accept(isWanted: boolean): Promise<void> {
    const all = await chainLines().catch(() => undefined);
    const found = (all ?? []).filter((line) => line.startsWith('-A '));
    // an Engine that makes no rules, or makes them with nft, has no such chain
    if (all !== undefined && isWanted !== found.some((line) => line.includes(TABLE))) {
      const end = found.at(-1) === `-A ${CHAIN} -j RETURN` ? found.length : found.length + 1;
      await run(iptables, ['-w', '5', ...(isWanted ? ['-I', CHAIN, String(end)] : ['-D', CHAIN]), ...ACCEPT.split(' ')]);
    }
    isAccepted = isWanted;
  }

  function digestOf(port: IngressPort): string {
    const found = digests.get(port) ?? digest(JSON.stringify(port));
    digests.set(port, found);
    return found;
  }
  function inputOf(table: IngressTable): HostIngress {
    const parts = { family, ...ofFamily(table, family, host, made), host, subnets: subnets().filter(inFamily) };
    return { ...parts, version: digest([...parts.ports.map(digestOf), host, ...parts.hosts, ...parts.subnets].join(' ')) };
  }

  /** What else in the kernel drops what is passed on. */
  async function forwardTrouble(): Promise<readonly string[]> {
    const setting = FORWARDING[family];
    const isForwarding = (await readFile(`/proc/sys/${setting.replaceAll('.', '/')}`, 'utf8').catch(() => '1')).trim() === '1';
    const all = await run('nft', ['list', 'chains']).catch(() => '');
    const ofDocker = await chainLines().catch(() => undefined);
    const isLet = ofDocker?.some((line) => line.includes(TABLE)) === true;
    const others = forwardChains(all, family).filter(({ name }) => !/^ip6? filter FORWARD$/.test(name) || !isLet);
    const dropping = await Promise.all(
      others.map(async (one) => {
        const text = one.isDropping ? '' : await run('nft', ['list', 'chain', ...one.name.split(' ')]).catch(() => '');
        return whatItDrops(one, text) ?? [];
      }),
    );
    return [
      ...(isForwarding ? [] : [`published ports lead nowhere${at}: the kernel passes no packets on (${setting} is 0)`]),
      ...dropping.flat().map((what) => `published ports may lead nowhere${at}: nft’s chain ${what}`),
    ];
  }

  return {
    family,
    async load(table, isLook) {
      const input = inputOf(table);
      const isWanted = input.ports.length > 0 && (family === 4 || !input.ports.every(isEmpty));
      await loadPorts(input);
      if (isAccepted !== isWanted || (isLook && isWanted)) await accept(isWanted);
    },
    isThere: async () => (await found()) !== undefined,
    async differences(table) {
      const { ports } = inputOf(table);
      if (family === 6 && ports.every(isEmpty)) return [];
      const isWhole = applied !== undefined && (applied.ports.every(isEmpty) || (await isInPlace(applied.version)));
      const where = tool === 'nft' ? `nft’s table ${TABLE}` : `${iptables}’ chain ARPANET-INGRESS`;
      return [
        ...(isWhole ? [] : [`published ports do not answer${at}: the rules of ${where} are not as they should be`]),
        ...(await forwardTrouble()),
      ];
    },
  };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

const isEmpty = ({ instances }: IngressPort): boolean => instances.length === 0;
const isMissing = (error: unknown): boolean => error instanceof Error && error.message.endsWith('cannot be run');
