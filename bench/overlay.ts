/** Throughput of the overlay between two hosts beside the same link without it, by iperf3. */
import { type Cluster, must, runProgram, startCluster } from '../test/support/cluster/cluster.ts';
import type { BenchRow } from './row.ts';
import { inTurns } from './wrk.ts';

export async function run(): Promise<readonly BenchRow[]> {
  await using cluster = await startCluster({ store: 'embedded', hosts: 2, mixed: false, logLevel: 'warn' });
  const [h1, h2] = cluster.lab.hosts;
  if (h1 === undefined || h2 === undefined) throw new Error('two hosts');
  for (const name of ['h1', 'h2'])
    await must(
      cluster.docker(
        'run',
        '-d',
        '--name',
        `on-${name}`,
        '--label',
        `arpanet.constraints=["node.hostname==${name}"]`,
        'busybox',
        'sleep',
        '3600',
      ),
    );
  const overlay = await server(cluster, await netnsOf(cluster, 'on-h1'));
  const raw = await server(cluster, `/run/netns/${h1.namespace}`);
  try {
    const address = (
      await must(cluster.docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', 'on-h1'))
    ).trim();
    const from = await netnsOf(cluster, 'on-h2');
    const figures = await inTurns(5, {
      ours: () => gigabits(from, address),
      theirs: () => gigabits(`/run/netns/${h2.namespace}`, h1.address),
    });
    return [{ work: 'overlay, host to host', beside: 'the same link without it', unit: 'Gbit/s', reach: '≥ 0.75×', ...figures }];
  } finally {
    overlay();
    raw();
  }
}

async function netnsOf(cluster: Cluster, name: string): Promise<string> {
  return `/proc/${(await must(cluster.docker('inspect', '-f', '{{.State.Pid}}', name))).trim()}/ns/net`;
}

async function server(cluster: Cluster, netns: string): Promise<() => void> {
  const host = cluster.lab.hosts[0];
  if (host === undefined) throw new Error('a host');
  const child = cluster.lab.spawnIn(host, 'nsenter', [`--net=${netns}`, 'iperf3', '-s']);
  await new Promise((resolve) => setTimeout(resolve, 500));
  return () => void child.kill();
}

async function gigabits(netns: string, address: string): Promise<number> {
  const out = await must(runProgram('nsenter', [`--net=${netns}`, 'iperf3', '-c', address, '-t', '3', '-J']));
  return (JSON.parse(out) as { end: { sum_received: { bits_per_second: number } } }).end.sum_received.bits_per_second / 1e9;
}
