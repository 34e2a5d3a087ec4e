/** How long it takes, from the moment in which a host is cut off, until its names are out of DNS and what it held runs elsewhere. Effects: questions. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../support/cluster/cluster.ts';
import { leaderOf } from '../support/cluster/leaders.ts';
import { operator, type NetworkReport } from '../support/cluster/leftovers.ts';
import { DEPLOYMENT, HELD } from './clients.ts';
import { containersOn, dig, dnsServers } from './observe.ts';

export interface Loss {
  /** Undefined: it had none, or it came back first, or nobody could be asked. */
  readonly outOfDnsMs: number | undefined;
  readonly replacedMs: number | undefined;
}

const EVERY_MS = 250;

/** Looks at what the host has, now; the function that it gives watches what becomes of that, until the signal. */
export async function lossWatcher(cluster: Cluster, target: number): Promise<((signal: AbortSignal) => Promise<Loss>) | undefined> {
  const host = cluster.lab.hosts[target];
  const leader = await leaderOf(cluster);
  if (host === undefined || leader === undefined) return undefined;
  const networks = await operator<NetworkReport[]>(leader, 'networks').catch(() => []);
  const shared = networks.find((network) => network.name === `${DEPLOYMENT}_default`);
  const servers = dnsServers(shared).filter((server) => server.host !== host.name);
  const running = (await containersOn(host.name, host.socket)).filter((container) => container.running);
  const held = running.filter(({ name }) => name.startsWith(HELD)).map(({ name }) => name);
  const addresses = running.flatMap((container) => container.addresses.map((address) => address.split('/')[1] ?? ''));
  const heldAddresses = running.filter(({ name }) => held.includes(name)).flatMap((one) => one.addresses.map((ip) => ip.split('/')[1]));
  const told = (await Promise.all(servers.map(({ host: at, ip }) => dig(cluster, at, ip)))).flat();
  const others = addresses.filter((ip) => !heldAddresses.includes(ip) && told.includes(ip));

  async function isOut(): Promise<boolean> {
    const answers = await Promise.all(servers.map(({ host: at, ip }) => dig(cluster, at, ip)));
    // A DNS that does not answer proves nothing; one of them at least has held instances of other hosts to tell of.
    return answers.some((answer) => answer.length > 0) && answers.every((answer) => !others.some((ip) => answer.includes(ip)));
  }
  async function isReplaced(): Promise<boolean> {
    const elsewhere = cluster.lab.hosts.filter((other) => other.name !== host?.name);
    const seen = (await Promise.all(elsewhere.map((other) => containersOn(other.name, other.socket)))).flat();
    return held.every((name) => seen.some((container) => container.name === name && container.running));
  }
  async function timed(is: () => Promise<boolean>, sinceMs: number, signal: AbortSignal): Promise<number | undefined> {
    while (!signal.aborted) {
      if (await is().catch(() => false)) return signal.aborted ? undefined : Date.now() - sinceMs;
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }
  return async (signal) => {
    const sinceMs = Date.now();
    const [outOfDnsMs, replacedMs] = await Promise.all([
      others.length === 0 || servers.length === 0 ? undefined : timed(isOut, sinceMs, signal),
      held.length === 0 ? undefined : timed(isReplaced, sinceMs, signal),
    ]);
    return { outOfDnsMs, replacedMs };
  };
}
