/** Gives the DNS of the leader's own process all names, by changes as agents get them. */
import type { NameUpdate } from '../contracts/index.ts';
import type { createDns } from '../dns/index.ts';

type OwnDns = Pick<ReturnType<typeof createDns>, 'table' | 'change'>;

/** The first update of a term is whole, so that changes fit the table before them. */
export function updateOwnDns(dns: OwnDns, update: NameUpdate): void {
  const { version, epoch, atMs, outside, changes, deploymentsCome, deploymentsGone } = update;
  if (update.isWhole) {
    dns.table({ version, epoch, atMs, outside, deployments: update.deployments(), instances: update.instances() });
    return;
  }
  const put = changes.flatMap(({ now }) => now ?? []);
  const kept = new Set(put.map(({ container }) => container));
  const drop = changes.flatMap(({ before }) => (before === undefined || kept.has(before.container) ? [] : [before.container]));
  dns.change({
    since: version - 1,
    version,
    epoch,
    atMs,
    put,
    drop,
    deploymentsCome,
    deploymentsGone,
    ...(update.isForAll && { outside }),
  });
}
