/**
 * The kernel's rules for addresses of services in the network namespace of one caller, as a text for `nft -f`: a table of our own. Pure.
 *
 * A connection to such an address is led to one of the service's instances by chance, as it leaves the caller: what comes back passes the same
 * namespace. One map has all instances, and there is one chain for each number of instances, not for each service.
 */

import { VERSION, versionElement } from '../ingress/rules.ts';

export const VIP_TABLE = 'arpanet-vip';

/** By address of a service, those of its instances that are ready. None: calls are refused. */
export type Targets = ReadonlyMap<string, readonly string[]>;

/** What a namespace has. */
export interface Applied {
  readonly targets: Targets;
  /** Numbers of instances that it has a chain for. */
  readonly counts: ReadonlySet<number>;
}

const HEAD = `table ip ${VIP_TABLE}\ndelete table ip ${VIP_TABLE}\n`;
/** No such address, no table. */
export const NO_VIPS = HEAD;

const elements = (all: readonly string[]): string => (all.length === 0 ? '' : ` elements = { ${all.join(', ')} };`);
const targetKeys = (vip: string, { length }: readonly string[]): readonly string[] =>
  Array.from({ length }, (_, index) => `${vip} . ${index}`);
const targetsOf = ([vip, all]: readonly [string, readonly string[]]): readonly string[] =>
  all.map((address, index) => `${vip} . ${index} : ${address}`);
const choiceOf = ([vip, { length }]: readonly [string, readonly string[]]): string => `${vip} : goto any-${length}`;
const choice = (count: number): string => `dnat to ip daddr . numgen random mod ${count} map @targets`;
const countsOf = (targets: Targets): readonly number[] => [...new Set([...targets.values()].map(({ length }) => length))];
const isEmpty = ([, all]: readonly [string, readonly string[]]): boolean => all.length === 0;

/** The whole table, in place of any that there is. `version`: letters and digits, by which these rules are known again. */
export function wholeRules(targets: Targets, version: string): string {
  if (targets.size === 0) return NO_VIPS;
  const all = [...targets];
  return [
    HEAD,
    `table ip ${VIP_TABLE} {`,
    `  map targets { typeof ip daddr . numgen random mod 65536 : ip daddr;${elements(all.flatMap(targetsOf))} }`,
    `  set empty { type ipv4_addr;${elements(all.filter(isEmpty).map(([vip]) => vip))} }`,
    ...countsOf(targets).flatMap((count) => (count === 0 ? [] : [`  chain any-${count} { ${choice(count)}; }`])),
    `  map services { type ipv4_addr : verdict;${elements(all.filter((one) => !isEmpty(one)).map(choiceOf))} }`,
    `  set ${VERSION} { type inet_service; elements = { ${versionElement(version)} }; }`,
    '  chain output { type nat hook output priority -101; policy accept; ip daddr vmap @services; }',
    '  chain refused { type filter hook output priority 1; policy accept; ip daddr @empty meta l4proto tcp reject with tcp reset; ip daddr @empty reject; }',
    '}',
    '',
  ].join('\n');
}

/** Lists of services that did not change are the same objects as before: they are not compared by what they have. */
export const isSameList = (one: readonly string[] | undefined, other: readonly string[] | undefined): boolean =>
  one === other || one?.join() === other?.join();

/** One change of the table that it makes of `before`: it costs as much as the services that differ. */
export function changedRules({ targets: before, counts }: Applied, now: Targets, version: string): string {
  const isSame = (vip: string): boolean => isSameList(before.get(vip), now.get(vip));
  const gone = [...before].filter(([vip]) => !isSame(vip));
  const come = [...now].filter(([vip]) => !isSame(vip));
  const element = (what: 'add' | 'delete', name: string, all: readonly string[]): readonly string[] =>
    all.length === 0 ? [] : [`${what} element ip ${VIP_TABLE} ${name} { ${all.join(', ')} }`];
  const filled = come.filter((one) => !isEmpty(one));
  const fresh = countsOf(new Map(filled)).filter((count) => !counts.has(count));
  return [
    ...fresh.flatMap((count) => [`add chain ip ${VIP_TABLE} any-${count}`, `add rule ip ${VIP_TABLE} any-${count} ${choice(count)}`]),
    ...element('delete', 'services', gone.filter((one) => !isEmpty(one)).map(choiceOf)),
    ...element(
      'delete',
      'empty',
      gone.filter(isEmpty).map(([vip]) => vip),
    ),
    ...element(
      'delete',
      'targets',
      gone.flatMap((one) => targetKeys(...one)),
    ),
    ...element('add', 'targets', filled.flatMap(targetsOf)),
    ...element('add', 'services', filled.map(choiceOf)),
    ...element(
      'add',
      'empty',
      come.filter(isEmpty).map(([vip]) => vip),
    ),
    `flush set ip ${VIP_TABLE} ${VERSION}`,
    ...element('add', VERSION, [versionElement(version)]),
    '',
  ].join('\n');
}

/** What a namespace has after them. */
export function appliedBy(targets: Targets, before: Applied | undefined): Applied {
  return { targets, counts: new Set([...(targets.size === 0 ? [] : (before?.counts ?? [])), ...countsOf(targets)]) };
}

/** Of UDP: flows that lead to an instance that has left. Words for `conntrack -D`. */
export function staleVipFlows(before: Targets, now: Targets): readonly (readonly string[])[] {
  return [...before].flatMap(([vip, all]) =>
    all
      .filter((address) => now.get(vip)?.includes(address) !== true)
      .map((address) => ['-D', '-p', 'udp', '--orig-dst', vip, '--reply-src', address]),
  );
}

/** The same where it is not known what there was: `flows` is what `conntrack -L -p udp` says. */
export function strayVipFlows(flows: string, now: Targets): readonly (readonly string[])[] {
  const found = flows.split('\n').flatMap((line): (readonly string[])[] => {
    const [, vip = '', address = ''] = /^udp .*?\bdst=(\S+) .*\bsrc=(\S+) dst=/.exec(line) ?? [];
    const wanted = now.get(vip);
    return wanted === undefined || wanted.includes(address) ? [] : [['-D', '-p', 'udp', '--orig-dst', vip, '--reply-src', address]];
  });
  return [...new Map(found.map((words) => [words.join(' '), words])).values()];
}
