/**
 * The same rules for a host without `nft`, as a text for `iptables-restore --noflush` or `ip6tables-restore`: chains of our own in the table nat, with a rule
 * for each instance. A change makes the chains again as a whole, in one step of the kernel, so it costs as much as all ports do. Pure.
 */
import { type Family, type HostIngress, hostsOf, MARK, slotsOf, type Slots } from './rules.ts';

/** Calls to this host; those that another host passed on; what is sent on; and one that is only read. */
const CALLED = 'ARPANET-INGRESS';
const LOCAL = 'ARPANET-INGRESS-LOCAL';
const SENT = 'ARPANET-INGRESS-SENT';
export const VERSION_CHAIN = 'ARPANET-INGRESS-VERSION';
const CHAINS = [CALLED, LOCAL, SENT, VERSION_CHAIN];

const MARKED = `0x${MARK.toString(16)}/0x${MARK.toString(16)}`;
/** As they are printed by `iptables -S`. */
const loopback = (family: Family): string => (family === 4 ? '127.0.0.0/8' : '::1/128');
export const jumpsOf = (family: Family): readonly string[] => [
  ...['PREROUTING', 'OUTPUT'].map((chain) => `${chain} ! -d ${loopback(family)} -m addrtype --dst-type LOCAL -j ${CALLED}`),
  `POSTROUTING -m connmark --mark ${MARKED} -j ${SENT}`,
];

/** `present`: what `iptables -t nat -S` prints. Undefined: there is nothing to do. */
export function restoreIngress(ingress: HostIngress, present: readonly string[]): string | undefined {
  const jumps = jumpsOf(ingress.family);
  const isJumping = (jump: string): boolean => present.includes(`-A ${jump}`);
  const slots = slotsOf(ingress);
  if (slots.length === 0) {
    const chains = CHAINS.filter((chain) => present.includes(`-N ${chain}`));
    if (chains.length === 0) return undefined;
    return lines([
      ...chains.map((chain) => `:${chain} - [0:0]`),
      ...jumps.filter(isJumping).map((jump) => `-D ${jump}`),
      ...chains.map((chain) => `-X ${chain}`),
    ]);
  }
  const hosts = [...hostsOf(ingress)];
  return lines([
    ...CHAINS.map((chain) => `:${chain} - [0:0]`),
    ...hosts.map((host) => `-A ${CALLED} -s ${host} -j ${LOCAL}`),
    ...slots.flatMap((slot) => choose(CALLED, slot, slot.all)),
    ...slots.flatMap((slot) => choose(LOCAL, slot, slot.local)),
    ...hosts.map((host) => `-A ${SENT} -d ${host} -j MASQUERADE`),
    ...[...new Set(ingress.subnets)].map((subnet) => `-A ${SENT} -s ${subnet} -j MASQUERADE`),
    `-A ${VERSION_CHAIN} -m comment --comment ${ingress.version} -j RETURN`,
    // before Docker's own, which lead to what is published on this host alone
    ...jumps.filter((jump) => !isJumping(jump)).map((jump) => `-I ${jump}`),
  ]);
}

const lines = (rules: readonly string[]): string => ['*nat', ...rules, 'COMMIT', ''].join('\n');

/** The first of n is taken with a chance of 1/n, the second of those that are left with 1/(n-1), and so on. */
function choose(chain: string, { key }: Slots, targets: readonly string[]): readonly string[] {
  if (targets.length === 0) return [];
  const [protocol = '', port = ''] = key.split(' . ');
  const head = `-A ${chain} -p ${protocol} -m ${protocol} --dport ${port}`;
  return [
    `${head} -j CONNMARK --set-xmark ${MARKED}`,
    ...targets.map((target, index) => {
      const left = targets.length - index;
      const chance = left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
      return `${head}${chance} -j DNAT --to-destination ${destination(target)}`;
    }),
  ];
}

/** Of `10.32.0.5 . 80` and of `fd00::5 . 80`. */
function destination(target: string): string {
  const [address = '', port = ''] = target.split(' . ');
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
