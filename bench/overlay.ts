/** Throughput of the overlay between two hosts beside the same link without it, and of an encrypted one beside that, by iperf3. */
import { type Cluster, must, runProgram, startCluster, until } from '../test/support/cluster/cluster.ts';
import type { BenchRow } from './row.ts';
import { inTurns } from './wrk.ts';

export async function run(): Promise<readonly BenchRow[]> {
  await using cluster = await startCluster({ store: 'embedded', hosts: 2, mixed: false, logLevel: 'warn' });
  const [h1, h2] = cluster.lab.hosts;
  if (h1 === undefined || h2 === undefined) throw new Error('two hosts');
  await must(cluster.docker('network', 'create', '-d', 'overlay', '--opt', 'encrypted', 'sealed'));
  const [plain, sealed] = [await between(cluster, 'plain', []), await between(cluster, 'sealed', ['--network', 'sealed'])];
  const raw = await server(cluster, `/run/netns/${h1.namespace}`);
  try {
    const link = () => gigabits(`/run/netns/${h2.namespace}`, h1.address);
    const open = await inTurns(5, { ours: plain.measure, theirs: link });
    const encrypted = await inTurns(5, { ours: sealed.measure, theirs: plain.measure });
    const { encryption = 'nothing' } = JSON.parse(await must(cluster.arpanet('hosts', 'inspect', 'h1', '--json'))) as {
      encryption?: string;
    };
    return [
      { work: 'overlay, host to host', beside: 'the same link without it', unit: 'Gbit/s', reach: '≥ 0.75×', ...open },
      { work: `encrypted overlay (${encryption})`, beside: 'the overlay in the open', unit: 'Gbit/s', reach: '', ...encrypted },
    ];
  } finally {
    for (const one of [plain, sealed]) one.end();
    raw();
  }
}

/** A container on each host, and a server in the first. */
async function between(cluster: Cluster, name: string, more: readonly string[]) {
  for (const host of ['h1', 'h2']) {
    const there = ['--label', `arpanet.constraints=["node.hostname==${host}"]`];
    await must(cluster.docker('run', '-d', '--name', `${name}-${host}`, ...there, ...more, 'busybox', 'sleep', '3600'));
  }
  const end = await server(cluster, await netnsOf(cluster, `${name}-h1`));
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  const address = (await must(cluster.docker('inspect', '-f', format, `${name}-h1`))).trim();
  const from = await netnsOf(cluster, `${name}-h2`);
  // the first packets wait for names, neighbours and, encrypted, for a handshake
  await until(`${name} is reached`, () =>
    gigabits(from, address).then(
      () => true,
      () => false,
    ),
  );
  return { measure: () => gigabits(from, address), end };
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
  const { end, error } = JSON.parse(out) as { end: { sum_received?: { bits_per_second: number } }; error?: string };
  if (end.sum_received === undefined) throw new Error(`iperf3: ${error ?? out}`);
  return end.sum_received.bits_per_second / 1e9;
}
