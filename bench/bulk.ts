/**
 * Gigabytes through a cluster: `docker load`, a build context, `docker save`, `export` and `cp` to a reader that is slow. Says how large scheduler and
 * agents grew meanwhile, and how long another client waited for a list. `node --import tsx bench/bulk.ts [MEGABYTES]` (root).
 */
import { startCluster } from '../test/support/cluster/cluster.ts';
import { bulk } from '../test/support/cluster/bulk.ts';

const megabytes = Number(process.argv[2] ?? 5_000);
const cluster = await startCluster({ store: 'embedded', hosts: 2, mixed: false, logLevel: 'warn' });
try {
  await bulk(cluster, megabytes, ({ what, seconds, grownMiB, slowestListMs }) => {
    const grown = Object.entries(grownMiB).map(([who, mib]) => `${who} +${mib.toFixed()} MiB`);
    console.log(`${what}: ${megabytes} MB in ${seconds.toFixed(1)} s; ${grown.join(', ')}; slowest list ${slowestListMs.toFixed()} ms`);
  });
} finally {
  await cluster[Symbol.asyncDispose]();
}
