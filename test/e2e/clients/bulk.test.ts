/** Large bodies pass through scheduler and agent at the pace of the slower side, and nobody else waits for them. Five gigabytes: bench/bulk.ts. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bulk } from '../../support/cluster/bulk.ts';
import { startCluster } from '../../support/cluster/cluster.ts';
import { promisedMs } from '../../support/promised.ts';

const MEGABYTES = 160;
/** Less than a body that somebody keeps whole. */
const MOST_GROWN_MIB = 110;

it(`${MEGABYTES} MB of build context, image and files pass both ways with flat memory, while lists are answered`, async (t) => {
  const cluster = await startCluster({ store: 'embedded', hosts: 1, mixed: false, logLevel: 'warn' });
  try {
    await bulk(cluster, MEGABYTES, ({ what, bytes, grownMiB, slowestListMs }) => {
      t.diagnostic(`${what}: ${bytes} bytes, ${JSON.stringify(grownMiB)}, slowest list ${slowestListMs.toFixed()} ms`);
      assert.ok(bytes >= MEGABYTES * 1_000_000, `${what}: only ${bytes} bytes`);
      for (const [who, mib] of Object.entries(grownMiB)) assert.ok(mib < MOST_GROWN_MIB, `${what}: ${who} grew by ${mib.toFixed()} MiB`);
      assert.ok(slowestListMs < promisedMs(5_000), `${what}: a list took ${slowestListMs} ms`);
    });
  } finally {
    await cluster[Symbol.asyncDispose]();
  }
});
