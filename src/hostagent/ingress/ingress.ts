/**
 * Effects: answers for published ports of mode ingress on this host, with `nft`, one rule in Docker's chain for its users (DOCKER-USER), and a listener
 * for each port, so that no other program takes it. The rules stay when the agent stops; what somebody removes is back after the next pass.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createKeyed } from '../../async/keyed.ts';
import { ingressKey, type IngressPort, type IngressTable } from '../../model/ingress.ts';
import { ArpanetError } from '../../model/errors.ts';
import type { LeaderMessage } from '../../model/wire.ts';
import type { Logger } from '../../telemetry/log.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { JsonFile } from '../json-file.ts';
import { run } from '../overlay/run.ts';
import { createHolders } from './holders.ts';
import { ACCEPT, chainsFor, changedIngress, type HostIngress, ingressRules, staleFlows, TABLE } from './rules.ts';

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
  readonly log: Logger;
}

const NONE: IngressTable = { ports: [], hosts: [] };
const CHAIN = 'DOCKER-USER';

/** The table after a message. Pure. */
export function afterMessage(table: IngressTable, { isWhole, ports, gone = [], hosts }: Message): IngressTable {
  const kept = new Map((isWhole === true ? [] : table.ports).map((port) => [ingressKey(port), port]));
  for (const key of gone) kept.delete(key);
  for (const port of ports) kept.set(ingressKey(port), port);
  return { ports: [...kept.values()], hosts: hosts ?? table.hosts };
}

export function createIngress({ overlay, host, file, subnets, apis, log }: IngressDeps): Ingress {
  const keyed = createKeyed();
  const holders = createHolders(host, apis, log);
  let applied: HostIngress | undefined;
  /** For how many instances of a port it has chains. */
  let chains = 0;
  /** What the kernel took last: after a failed change it still leads there. Undefined: nothing since this process began. */
  let before: IngressTable | undefined;
  let failure: string | undefined;
  let queued = false;

  const wanted = (): IngressTable => file.value() ?? NONE;

  async function isInPlace(version: string): Promise<boolean> {
    const text = await run('nft', ['list', 'chain', 'ip', TABLE, 'version']).catch(() => '');
    return text.includes(`"${version}"`);
  }

  async function load(table: IngressTable): Promise<void> {
    const parts = { ...table, host, subnets: subnets() };
    const version = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
    const input: HostIngress = { ...parts, version };
    const isSame = applied?.version === version;
    if (isSame && table.ports.length === 0) return;
    const isThere = (isSame || applied === undefined) && (await isInPlace(version));
    if (isSame && isThere) return;
    // where somebody removed the table meanwhile, a change of it is refused
    const change = applied === undefined || isSame ? undefined : changedIngress(applied, input, chains);
    applied = undefined;
    const isChanged = change !== undefined && (await run('nft', ['-f', '-'], change).catch(() => undefined)) !== undefined;
    if (!isThere && !isChanged) await replace(ingressRules(input));
    // of rules that were found it is not known
    if (!isChanged) chains = isThere ? 0 : chainsFor(input);
    applied = input;
    if (isSame && table.ports.some((port) => !isEmpty(port)))
      log.warn({ table: TABLE }, 'somebody changed the rules of published ports: they are back');
    // the rules of an agent that ended are found as it left them: nobody has gone
    const stale = staleFlows(before ?? (isThere ? table : NONE), table, host);
    before = table;
    for (const words of stale) await run('conntrack', words).catch(() => undefined); // it fails where there is none
  }
  const replace = (rules: string): Promise<unknown> =>
    run('nft', ['-f', '-'], rules).catch((error: unknown) => {
      const isMissing = error instanceof Error && error.message.endsWith('cannot be run');
      throw isMissing ? new ArpanetError('unavailable', 'nft cannot be run: install nftables') : error;
    });

  /** Before Docker's own `RETURN`, and after what the host's user has there. */
  async function accept(isWanted: boolean): Promise<void> {
    const all = await chainLines().catch(() => undefined);
    const lines = (all ?? []).filter((line) => line.startsWith('-A '));
    // an Engine that makes no rules, or makes them with nft, has no such chain
    if (all === undefined || isWanted === lines.some((line) => line.includes(TABLE))) return;
    const end = lines.at(-1) === `-A ${CHAIN} -j RETURN` ? lines.length : lines.length + 1;
    await run('iptables', ['-w', '5', ...(isWanted ? ['-I', CHAIN, String(end)] : ['-D', CHAIN]), ...ACCEPT.split(' ')]);
  }
  const chainLines = async (): Promise<readonly string[]> => (await run('iptables', ['-w', '5', '-S', CHAIN])).split('\n');

  async function pass(): Promise<void> {
    const table = wanted();
    // nothing was published here before, as far as this process knows, and nothing is now
    const isIdle = table.ports.length === 0 && applied === undefined && file.value() === undefined;
    if (overlay === 'none' || isIdle) return;
    const held = await holders.hold(table.ports);
    const own = { ...table, ports: table.ports.filter((port) => held.has(ingressKey(port))) };
    await load(own).catch((error: unknown) => {
      if (table.ports.length > 0) throw error; // without nft there is nothing to remove
    });
    await accept(table.ports.length > 0);
    failure = undefined;
  }

  function reconcile(): Promise<void> {
    return keyed.serial('ingress', pass).catch((err: unknown) => {
      const why = err instanceof Error ? err.message : String(err);
      if (why !== failure) log.error({ err }, 'cannot answer for published ports');
      failure = why;
    });
  }

  /** Several messages at once are one change of the kernel. */
  function change(table: IngressTable): void {
    const before = wanted();
    if (JSON.stringify(before) === JSON.stringify(table)) return;
    file.save(table);
    if (queued) return;
    queued = true;
    const act = async (): Promise<void> => {
      queued = false;
      await reconcile();
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
    ];
  }

  return {
    take: (message) => change(afterMessage(wanted(), message)),
    clear: () => change(NONE),
    reconcile,
    async settle() {
      await keyed.serial('change', async () => undefined);
      // a process that has just begun has loaded nothing yet, and the kernel leads where the one before it left it
      if (applied === undefined) await reconcile();
      if (failure !== undefined && wanted().ports.length > 0) throw new ArpanetError('unavailable', failure);
    },
    trouble,
    async differences() {
      const known = trouble();
      if (wanted().ports.length === 0 || overlay === 'none') return known;
      const isWhole = applied !== undefined && (applied.ports.every(isEmpty) || (await isInPlace(applied.version)));
      return [
        ...known,
        ...(isWhole || failure !== undefined
          ? []
          : [`published ports do not answer: the rules of nft’s table ${TABLE} are not as they should be`]),
        ...(await forwardTrouble()),
      ];
    },
  };

  /** What else in the kernel drops what is passed on. */
  async function forwardTrouble(): Promise<readonly string[]> {
    const isForwarding = (await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8').catch(() => '1')).trim() === '1';
    const chains = await run('nft', ['list', 'chains']).catch(() => '');
    const ofDocker = await chainLines().catch(() => undefined);
    const isAccepted = ofDocker?.some((line) => line.includes(TABLE)) === true;
    return [
      ...(isForwarding ? [] : ['published ports lead nowhere: the kernel passes no packets on (net.ipv4.ip_forward is 0)']),
      ...droppingChains(chains)
        .filter((chain) => !isAccepted || chain !== 'ip filter FORWARD')
        .map((chain) => `published ports may lead nowhere: nft’s chain ${chain} drops what it does not know (policy drop)`),
    ];
  }
}

const isEmpty = ({ instances }: IngressPort): boolean => instances.length === 0;

const few = (all: readonly string[]): string => [...all.slice(0, 5), ...(all.length > 5 ? [`and ${all.length - 5} more`] : [])].join(', ');

/** Base chains that drop forwarded packets by their policy, in the output of `nft list chains`: `ip filter FORWARD`. Pure. */
export function droppingChains(text: string): readonly string[] {
  let table = '';
  let chain = '';
  const found: string[] = [];
  for (const line of text.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table;
    chain = /^\tchain (\S+) \{/.exec(line)?.[1] ?? chain;
    if (/hook forward .*policy drop;/.test(line) && !table.startsWith('ip6 ')) found.push(`${table} ${chain}`);
  }
  return found;
}
