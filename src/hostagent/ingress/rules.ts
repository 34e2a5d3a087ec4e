/**
 * The kernel's rules for published ports of mode ingress on one host, as a text for `nft -f`: one table of each family, which nobody else uses. Pure.
 *
 * A caller is sent to one of all instances by chance: to one of this host at its own address, or to the host of one of another, at the published port.
 * There it comes from a host of the cluster, and stays on that one. Two maps have all instances, and there is one chain for each number of
 * instances, not for each port. The instance sees its caller's own address where it runs on the host that was called, else the address of that host.
 */
import type { IngressInstance, IngressPort, IngressTable } from '../../model/ingress.ts';

export const TABLE = 'arpanet-ingress';
/** A set of its own, made to be read: nft before 1.0.7 reads the elements of all sets of a table to list one of its chains, half a second of 10,000, and of a set its own. */
export const VERSION = 'version';
/** Of a connection (`ct mark`): it goes to such a port. No other bit is changed. */
export const MARK = 0x0800_0000;
export const ACCEPT = `-m connmark --mark 0x${MARK.toString(16)}/0x${MARK.toString(16)} -m comment --comment ${TABLE} -j ACCEPT`;

export type Family = 4 | 6;

/** One family's: of IPv6 its addresses are those of IPv6 (`ofFamily`). */
export interface HostIngress extends Omit<IngressTable, 'hosts6'> {
  readonly family: Family;
  /** This host's name. */
  readonly host: string;
  /** Subnets of its containers: their calls of each other through a published port must come back this way. */
  readonly subnets: readonly string[];
  /** It tells these rules from earlier ones, as a comment in them: digits and letters. */
  readonly version: string;
}

/** Nft's words for a family. */
const WORDS = {
  4: { table: `ip ${TABLE}`, type: 'ipv4_addr', protocol: 'ip protocol', address: 'ip', own: '127.0.0.0/8' },
  // a link-local address is of that link alone: nothing is passed on for a caller that has one
  6: { table: `ip6 ${TABLE}`, type: 'ipv6_addr', protocol: 'meta l4proto', address: 'ip6', own: '{ ::1, fe80::/10 }' },
} as const;

export const tableOf = (family: Family): string => WORDS[family].table;
const headOf = (family: Family): string => `table ${tableOf(family)}\ndelete table ${tableOf(family)}\n`;
/** No published port, no table. */
export const noRules = headOf;

/** What of a table one family leads to: of IPv6 the instances that have such an address, and that this host reaches by it. `made`: by port, what it was made before. */
export function ofFamily(
  { ports, hosts, hosts6 = [] }: IngressTable,
  family: Family,
  host: string,
  made = new WeakMap<IngressPort, IngressPort>(),
): Pick<HostIngress, 'ports' | 'hosts'> {
  if (family === 4) return { ports, hosts };
  const reached = ({ address6, at6, ...one }: IngressInstance): readonly IngressInstance[] =>
    address6 !== undefined && (at6 !== undefined || one.host === host) ? [{ ...one, address: address6, at: at6 ?? address6 }] : [];
  const six = (port: IngressPort): IngressPort => {
    const found = made.get(port) ?? { ...port, instances: port.instances.flatMap(reached) };
    made.set(port, found);
    return found;
  };
  return { ports: ports.map(six), hosts: hosts6 };
}

export interface Slots {
  /** `tcp . 8080`. */
  readonly key: string;
  readonly local: readonly string[];
  readonly all: readonly string[];
}

/** What the maps have for each port with an instance. */
export function slotsOf({ host, ports }: Pick<HostIngress, 'host' | 'ports'>): readonly Slots[] {
  return ports.flatMap((port): Slots[] => {
    if (port.instances.length === 0) return [];
    const toLocal = ({ address, target }: (typeof port.instances)[number]) => `${address} . ${target}`;
    const local = port.instances.filter((one) => one.host === host).map(toLocal);
    const all = port.instances.map((one) => (one.host === host ? toLocal(one) : `${one.at} . ${port.port}`));
    return [{ key: `${port.protocol} . ${port.port}`, local, all }];
  });
}

const subnetsOf = ({ subnets }: HostIngress): readonly string[] => [...new Set(subnets)];

/** Where calls come from and go to that stay: the cluster's hosts, those of instances among them. */
export function hostsOf({ host, ports, hosts }: HostIngress): ReadonlySet<string> {
  return new Set([...hosts, ...ports.flatMap(({ instances }) => instances.flatMap((one) => (one.host === host ? [] : [one.at])))]);
}

const onHostOf = (slots: readonly Slots[]): readonly Slots[] => slots.filter(({ local }) => local.length > 0);

export function ingressRules(ingress: HostIngress): string {
  const slots = slotsOf(ingress);
  const { family } = ingress;
  const { table, type, protocol, address, own } = WORDS[family];
  if (slots.length === 0) return noRules(family);
  return [
    headOf(family),
    `table ${table} {`,
    set('hosts', `type ${type}`, [...hostsOf(ingress)]),
    set('subnets', `type ${type}; flags interval; auto-merge`, subnetsOf(ingress)),
    ...choices(family, 'local', onHostOf(slots), ({ local }) => local, mostOf(slots)),
    ...choices(family, 'any', slots, ({ all }) => all, mostOf(slots)),
    '  chain called {',
    `    ${address} saddr @hosts ${protocol} . th dport vmap @ports-local`,
    `    ${protocol} . th dport vmap @ports-any`,
    '  }',
    `  set ${VERSION} { type inet_service; elements = { ${versionElement(ingress.version)} }; }`,
    ...['prerouting', 'output'].flatMap((hook) => [
      `  chain ${hook} {`,
      `    type nat hook ${hook} priority -101; policy accept;`,
      `    ${protocol} { tcp, udp } fib daddr type local ${address} daddr != ${own} goto called`,
      '  }',
    ]),
    '  chain postrouting {',
    '    type nat hook postrouting priority 99; policy accept;',
    `    ct mark and ${MARK} == ${MARK} ${address} daddr @hosts masquerade`,
    `    ct mark and ${MARK} == ${MARK} ${address} saddr @subnets masquerade`,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** For how many instances of a port a table has chains that was made as a whole for these. */
export const chainsFor = (ingress: HostIngress): number => mostOf(slotsOf(ingress));

/** The same of a table in the kernel, in the output of `nft list chains`. */
export const chainsIn = (text: string, family: Family): number =>
  text
    .split(`table ${tableOf(family)} {`)[1]
    ?.split('\n}')[0]
    ?.match(/^\tchain any-\d+ /gm)?.length ?? 0;

/**
 * One change of the table that `before` made: it costs as much as the ports that differ, and nothing is listed. A port that did not change is the same object in both. Undefined:
 * the table is to be made as a whole, since there was none, there is to be none, or a port has more instances than it has chains for.
 */
export function changedIngress(before: HostIngress, now: HostIngress, chains: number): string | undefined {
  const differing = othersThan(before.ports, now.ports);
  const [was, is] = [slotsOf({ ...before, ports: othersThan(now.ports, before.ports) }), slotsOf({ ...now, ports: differing })];
  const isLarger = is.some(({ all }) => all.length > chains);
  const isOne = before.ports.some(isFilled) && now.ports.some(isFilled);
  if (!isOne || isLarger) return undefined;
  const { family } = now;
  const isSameHosts = before.hosts.join() === now.hosts.join();
  // of hosts that have no instance any more nothing is forgotten as long as the cluster has the same
  const hosts = hostsOf(isSameHosts ? { ...now, ports: differing, hosts: [] } : now);
  const gone = isSameHosts ? [] : [...hostsOf(before)].filter((one) => !hosts.has(one));
  return [
    ...element(family, 'add', 'hosts', [...hosts]),
    ...element(family, 'delete', 'hosts', gone),
    // as a whole: what auto-merge has made one cannot be taken apart
    ...(before.subnets.join() === now.subnets.join()
      ? []
      : [`flush set ${tableOf(family)} subnets`, ...element(family, 'add', 'subnets', subnetsOf(now))]),
    ...changedChoices(family, 'local', onHostOf(was), onHostOf(is), ({ local }) => local),
    ...changedChoices(family, 'any', was, is, ({ all }) => all),
    `flush set ${tableOf(family)} ${VERSION}`,
    ...element(family, 'add', VERSION, [versionElement(now.version)]),
    '',
  ].join('\n');
}

const isFilled = ({ instances }: IngressPort): boolean => instances.length > 0;

function othersThan(known: readonly IngressPort[], ports: readonly IngressPort[]): readonly IngressPort[] {
  const same = new Set(known);
  return ports.filter((port) => !same.has(port));
}

/** No packet is compared with it. */
export const versionElement = (version: string): string => `1 comment "${version}"`;

const element = (family: Family, what: 'add' | 'delete', name: string, all: readonly string[]): readonly string[] =>
  all.length === 0 ? [] : [`${what} element ${tableOf(family)} ${name} { ${all.join(', ')} }`];

function set(name: string, type: string, elements: readonly string[]): string {
  return `  set ${name} { ${type};${elementsOf(elements)} }`;
}

const elementsOf = (elements: readonly string[]): string => (elements.length === 0 ? '' : ` elements = { ${elements.join(', ')} };`);

type Of = (slot: Slots) => readonly string[];

/**
 * Numbers of instances that there is a chain for, from 1 on: more than are in use, because nft before 1.0.7 refuses a rule with a map of this type that
 * was made earlier ("conflicting protocols"). A power of two, so that a service that grows has the table made again a few times at most.
 */
const mostOf = (slots: readonly Slots[]): number => {
  let most = LEAST_CHAINS;
  for (const { all } of slots) while (most < 2 * all.length) most *= 2;
  return most;
};
const LEAST_CHAINS = 64;

const targetsOf = (slots: readonly Slots[], of: Of): readonly string[] =>
  slots.flatMap((slot) => of(slot).map((target, index) => `${slot.key} . ${index} : ${target}`));
const portsOf = (name: string, slots: readonly Slots[], of: Of): readonly string[] =>
  slots.map((slot) => `${slot.key} : goto ${name}-${of(slot).length}`);
const choice = (family: Family, name: string, count: number): string =>
  `ct mark set ct mark or ${MARK} dnat ${WORDS[family].address} to ${WORDS[family].protocol} . th dport . numgen random mod ${count} map @targets-${name}`;

/** A chain for each number of instances, the map of those, and the map from ports to chains. */
function choices(family: Family, name: string, slots: readonly Slots[], of: Of, most: number): readonly string[] {
  return [
    `  map targets-${name} { typeof ${WORDS[family].protocol} . th dport . numgen random mod 65536 : ${WORDS[family].address} daddr . th dport;${elementsOf(targetsOf(slots, of))} }`,
    ...Array.from({ length: most }, (_, index) => `  chain ${name}-${index + 1} { ${choice(family, name, index + 1)}; }`),
    `  map ports-${name} { type inet_proto . inet_service : verdict;${elementsOf(portsOf(name, slots, of))} }`,
  ];
}

/** What of them differs. */
function changedChoices(family: Family, name: string, before: readonly Slots[], now: readonly Slots[], of: Of): readonly string[] {
  const textOf = (slots: readonly Slots[]) => new Map(slots.map((slot) => [slot.key, of(slot).join()]));
  const [was, is] = [textOf(before), textOf(now)];
  const gone = before.filter(({ key }) => was.get(key) !== is.get(key));
  const come = now.filter(({ key }) => was.get(key) !== is.get(key));
  return [
    ...element(family, 'delete', `ports-${name}`, portsOf(name, gone, of)),
    ...element(family, 'delete', `targets-${name}`, targetsOf(gone, of)),
    ...element(family, 'add', `targets-${name}`, targetsOf(come, of)),
    ...element(family, 'add', `ports-${name}`, portsOf(name, come, of)),
  ];
}

/** Of UDP: which flows the kernel still leads to somebody who is gone, or to nobody. Words for `conntrack -D`. */
export function staleFlows(
  before: Pick<IngressTable, 'ports'>,
  now: Pick<IngressTable, 'ports'>,
  host: string,
  family: Family = 4,
): readonly (readonly string[])[] {
  const callees = (table: Pick<IngressTable, 'ports'>) =>
    new Map(
      table.ports.flatMap(({ port, protocol, instances }) =>
        protocol === 'udp' ? [[port, new Set(instances.map((one) => (one.host === host ? one.address : one.at)))] as const] : [],
      ),
    );
  const [was, is] = [callees({ ports: othersThan(now.ports, before.ports) }), callees({ ports: othersThan(before.ports, now.ports) })];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((port) => {
    const all = ['-D', ...(family === 6 ? ['-f', 'ipv6'] : []), '-p', 'udp', '--orig-port-dst', String(port)];
    const gone = [...(was.get(port) ?? [])].filter((address) => is.get(port)?.has(address) !== true);
    // what came while there was no instance leads to this host itself, and would for as long as it goes on
    const isFirst = (was.get(port)?.size ?? 0) === 0 && (is.get(port)?.size ?? 0) > 0;
    return [...(isFirst ? [all] : []), ...gone.map((address) => [...all, '--reply-src', address])];
  });
}
