/**
 * The kernel's rules for published ports of mode ingress on one host, as a text for `nft -f`: one table, which nobody else uses. Pure.
 *
 * A caller is sent to one of all instances by chance: to one of this host at its own address, or to the host of one of another, at the published port.
 * There it comes from a host of the cluster, and stays on that one. Two maps have all instances, and there is one chain for each number of
 * instances, not for each port. The instance sees its caller's own address where it runs on the host that was called, else the address of that host.
 */
import type { IngressTable } from '../../model/ingress.ts';

export const TABLE = 'arpanet-ingress';
/** Of a connection (`ct mark`): it goes to such a port. No other bit is changed. */
export const MARK = 0x0800_0000;
export const ACCEPT = `-m connmark --mark 0x${MARK.toString(16)}/0x${MARK.toString(16)} -m comment --comment ${TABLE} -j ACCEPT`;

export interface HostIngress extends IngressTable {
  /** This host's name. */
  readonly host: string;
  /** Subnets of its containers: their calls of each other through a published port must come back this way. */
  readonly subnets: readonly string[];
  /** It tells these rules from earlier ones, as a comment in them: digits and letters. */
  readonly version: string;
}

const HEAD = `table ip ${TABLE}\ndelete table ip ${TABLE}\n`;
/** No published port, no table. */
export const NO_RULES = HEAD;

interface Slots {
  /** `tcp . 8080`. */
  readonly key: string;
  readonly local: readonly string[];
  readonly all: readonly string[];
}

/** What the maps have for each port with an instance. */
function slotsOf({ host, ports }: Pick<HostIngress, 'host' | 'ports'>): readonly Slots[] {
  return ports.flatMap((port): Slots[] => {
    if (port.instances.length === 0) return [];
    const toLocal = ({ address, target }: (typeof port.instances)[number]) => `${address} . ${target}`;
    const local = port.instances.filter((one) => one.host === host).map(toLocal);
    const all = port.instances.map((one) => (one.host === host ? toLocal(one) : `${one.at} . ${port.port}`));
    return [{ key: `${port.protocol} . ${port.port}`, local, all }];
  });
}

/** Where calls come from and go to that stay: the cluster's hosts, those of instances among them. */
function hostsOf({ host, ports, hosts }: HostIngress): ReadonlySet<string> {
  return new Set([...hosts, ...ports.flatMap(({ instances }) => instances.flatMap((one) => (one.host === host ? [] : [one.at])))]);
}

const onHostOf = (slots: readonly Slots[]): readonly Slots[] => slots.filter(({ local }) => local.length > 0);

export function ingressRules(ingress: HostIngress): string {
  const slots = slotsOf(ingress);
  if (slots.length === 0) return NO_RULES;
  return [
    HEAD,
    `table ip ${TABLE} {`,
    set('hosts', 'type ipv4_addr', [...hostsOf(ingress)]),
    set('subnets', 'type ipv4_addr; flags interval; auto-merge', [...new Set(ingress.subnets)]),
    ...choices('local', onHostOf(slots), ({ local }) => local, mostOf(slots)),
    ...choices('any', slots, ({ all }) => all, mostOf(slots)),
    '  chain called {',
    '    ip saddr @hosts ip protocol . th dport vmap @ports-local',
    '    ip protocol . th dport vmap @ports-any',
    '  }',
    `  chain version { ${versionRule(ingress.version)}; }`,
    ...['prerouting', 'output'].flatMap((hook) => [
      `  chain ${hook} {`,
      `    type nat hook ${hook} priority -101; policy accept;`,
      '    ip protocol { tcp, udp } fib daddr type local ip daddr != 127.0.0.0/8 goto called',
      '  }',
    ]),
    '  chain postrouting {',
    '    type nat hook postrouting priority 99; policy accept;',
    `    ct mark and ${MARK} == ${MARK} ip daddr @hosts masquerade`,
    `    ct mark and ${MARK} == ${MARK} ip saddr @subnets masquerade`,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** For how many instances of a port a table has chains that was made as a whole for these. */
export const chainsFor = (ingress: HostIngress): number => mostOf(slotsOf(ingress));

/**
 * One change of the table that `before` made: it costs as much as the ports that differ, and nothing is listed. Undefined: the table is to be made as a whole, since
 * there was none, there is to be none, its subnets differ, or a port has more instances than it has chains for.
 */
export function changedIngress(before: HostIngress, now: HostIngress, chains: number): string | undefined {
  const [was, is] = [slotsOf(before), slotsOf(now)];
  const isLarger = is.some(({ all }) => all.length > chains);
  if (was.length === 0 || is.length === 0 || isLarger || before.subnets.join() !== now.subnets.join()) return undefined;
  const [hostsBefore, hosts] = [hostsOf(before), hostsOf(now)];
  return [
    ...element(
      'add',
      'hosts',
      [...hosts].filter((one) => !hostsBefore.has(one)),
    ),
    ...element(
      'delete',
      'hosts',
      [...hostsBefore].filter((one) => !hosts.has(one)),
    ),
    ...changedChoices('local', onHostOf(was), onHostOf(is), ({ local }) => local),
    ...changedChoices('any', was, is, ({ all }) => all),
    `flush chain ip ${TABLE} version`,
    `add rule ip ${TABLE} version ${versionRule(now.version)}`,
    '',
  ].join('\n');
}

/** No packet comes to this chain: it is made to be read. */
const versionRule = (version: string): string => `accept comment "${version}"`;

const element = (what: 'add' | 'delete', name: string, all: readonly string[]): readonly string[] =>
  all.length === 0 ? [] : [`${what} element ip ${TABLE} ${name} { ${all.join(', ')} }`];

function set(name: string, type: string, elements: readonly string[]): string {
  return `  set ${name} { ${type};${elementsOf(elements)} }`;
}

const elementsOf = (elements: readonly string[]): string => (elements.length === 0 ? '' : ` elements = { ${elements.join(', ')} };`);

type Of = (slot: Slots) => readonly string[];

/**
 * Numbers of instances that there is a chain for, from 1 on: more than are in use, because nft before 1.0.7 refuses a rule with a map of this type that
 * was made earlier ("conflicting protocols").
 */
const mostOf = (slots: readonly Slots[]): number => (Math.floor(Math.max(0, ...slots.map(({ all }) => all.length)) / SPARE) + 2) * SPARE;
const SPARE = 8;

const targetsOf = (slots: readonly Slots[], of: Of): readonly string[] =>
  slots.flatMap((slot) => of(slot).map((target, index) => `${slot.key} . ${index} : ${target}`));
const portsOf = (name: string, slots: readonly Slots[], of: Of): readonly string[] =>
  slots.map((slot) => `${slot.key} : goto ${name}-${of(slot).length}`);
const choice = (name: string, count: number): string =>
  `ct mark set ct mark or ${MARK} dnat ip to ip protocol . th dport . numgen random mod ${count} map @targets-${name}`;

/** A chain for each number of instances, the map of those, and the map from ports to chains. */
function choices(name: string, slots: readonly Slots[], of: Of, most: number): readonly string[] {
  return [
    `  map targets-${name} { typeof ip protocol . th dport . numgen random mod 65536 : ip daddr . th dport;${elementsOf(targetsOf(slots, of))} }`,
    ...Array.from({ length: most }, (_, index) => `  chain ${name}-${index + 1} { ${choice(name, index + 1)}; }`),
    `  map ports-${name} { type inet_proto . inet_service : verdict;${elementsOf(portsOf(name, slots, of))} }`,
  ];
}

/** What of them differs. */
function changedChoices(name: string, before: readonly Slots[], now: readonly Slots[], of: Of): readonly string[] {
  const textOf = (slots: readonly Slots[]) => new Map(slots.map((slot) => [slot.key, of(slot).join()]));
  const [was, is] = [textOf(before), textOf(now)];
  const gone = before.filter(({ key }) => was.get(key) !== is.get(key));
  const come = now.filter(({ key }) => was.get(key) !== is.get(key));
  return [
    ...element('delete', `ports-${name}`, portsOf(name, gone, of)),
    ...element('delete', `targets-${name}`, targetsOf(gone, of)),
    ...element('add', `targets-${name}`, targetsOf(come, of)),
    ...element('add', `ports-${name}`, portsOf(name, come, of)),
  ];
}

/** Of UDP: which flows the kernel still leads to somebody who is gone, or to nobody. Words for `conntrack -D`. */
export function staleFlows(before: IngressTable, now: IngressTable, host: string): readonly (readonly string[])[] {
  const callees = (table: IngressTable) =>
    new Map(
      table.ports.flatMap(({ port, protocol, instances }) =>
        protocol === 'udp' ? [[port, new Set(instances.map((one) => (one.host === host ? one.address : one.at)))] as const] : [],
      ),
    );
  const [was, is] = [callees(before), callees(now)];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((port) => {
    const all = ['-D', '-p', 'udp', '--orig-port-dst', String(port)];
    const gone = [...(was.get(port) ?? [])].filter((address) => is.get(port)?.has(address) !== true);
    // what came while there was no instance leads to this host itself, and would for as long as it goes on
    const isFirst = (was.get(port)?.size ?? 0) === 0 && (is.get(port)?.size ?? 0) > 0;
    return [...(isFirst ? [all] : []), ...gone.map((address) => [...all, '--reply-src', address])];
  });
}
