/**
 * What clients notice of a host that loses its power: `node --import tsx bench/host-death.ts 10 20`. Ten deaths of one of three hosts; 20 creates around
 * each; and how long the names of what ran there are in the DNS of the others. Real Engines, Consul, schedulers and agents (root; `npm run build` first).
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster, until } from '../test/support/cluster/cluster.ts';
import { leaderOf, request } from '../test/support/cluster/leaders.ts';
import { lossWatcher } from '../test/faults/measure.ts';
import { DEPLOYMENT } from '../test/faults/clients.ts';
import { settled } from '../test/faults/lab.ts';
import { spread } from './spread.ts';

const [deaths = 10, creates = 20] = process.argv.slice(2).map(Number);
const CREATE_EVERY_MS = 400;
/** The host dies when so much of the creates has begun. */
const BEFORE = 0.25;

const creating: { readonly status: number; readonly ms: number; readonly message: string }[] = [];
const outOfDnsMs: number[] = [];
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const bodyOn = (host?: string) => ({
  Image: 'busybox',
  Cmd: ['sleep', '100000'],
  StopTimeout: 0,
  Labels: {
    'arpanet.deployment': DEPLOYMENT,
    ...(host !== undefined && { 'arpanet.constraints': JSON.stringify([`node.hostname==${host}`]) }),
  },
});

await using cluster = await startCluster({ store: 'consul', schedulers: 2, hosts: 3, logLevel: 'warn' });
const leader = async () => (await until('one leads', () => leaderOf(cluster))).url;

for (const { name } of cluster.lab.hosts) {
  await request(await leader(), 'POST', `/containers/create?name=named-${name}`, bodyOn(name));
  await request(await leader(), 'POST', `/containers/named-${name}/start`);
}
for (let death = 0; death < deaths; death++) {
  const target = death % cluster.lab.hosts.length;
  const host = cluster.lab.hosts[target];
  if (host === undefined) break;
  const url = await leader();
  const watch = await until('its names are known', () => lossWatcher(cluster, target));
  const over = new AbortController();
  const names = Array.from({ length: creates }, (_, at) => `made-${death}-${at}`);
  let watching: ReturnType<typeof watch> | undefined;
  const asked: Promise<void>[] = [];
  for (const [at, name] of names.entries()) {
    if (at === Math.round(creates * BEFORE)) {
      await cluster.lab.cut(host);
      watching = watch(over.signal);
    }
    asked.push(request(url, 'POST', `/containers/create?name=${name}`, bodyOn()).then((answer) => void creating.push(answer)));
    await sleep(CREATE_EVERY_MS);
  }
  await Promise.all(asked);
  const left = await Promise.race([watching, sleep(60_000, undefined, { ref: false })]);
  over.abort();
  if (left?.outOfDnsMs !== undefined) outOfDnsMs.push(left.outOfDnsMs);
  say(`death ${death + 1} of ${host.name}: names left after ${left?.outOfDnsMs ?? '-'} ms, load ${loadavg()[0]?.toFixed(0)}`);
  await cluster.lab.heal(host);
  await settled(cluster, 60_000);
  for (const name of names)
    await until(`${name} is gone`, async () => [204, 404].includes((await request(url, 'DELETE', `/containers/${name}?force=1`)).status));
}

const failed = creating.filter(({ status }) => status !== 201);
console.log(
  JSON.stringify(
    {
      deaths,
      creates: creating.length,
      failed: failed.map(({ status, message }) => `${status} ${message.trim()}`),
      createMs: spread(creating.map(({ ms }) => ms)),
      outOfDnsMs: spread(outOfDnsMs),
      load: loadavg(),
    },
    undefined,
    2,
  ),
);
