/**
 * What clients notice of a leader that is killed: `node --import tsx bench/leader-death.ts 100`. So many kills of the leader of three schedulers; how long it
 * takes until another says that it leads, and until a list and a create that were sent to a follower at the moment of the kill are answered. Real Engines,
 * Consul, schedulers and agents (root; `npm run build` first).
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, startCluster, until } from '../test/support/cluster/cluster.ts';
import { leaderOf, request } from '../test/support/cluster/leaders.ts';
import { settled } from '../test/faults/lab.ts';
import { spread } from './spread.ts';

const [kills = 100] = process.argv.slice(2).map(Number);
const LOOK_EVERY_MS = 20;

const leadsMs: number[] = [];
const listedMs: number[] = [];
const createdMs: number[] = [];
const failed: string[] = [];

await using cluster = await startCluster({ store: 'consul', schedulers: 3, hosts: 1, logLevel: 'warn' });
for (let kill = 0; kill < kills; kill++) {
  const old = await until('one leads', () => leaderOf(cluster));
  const process = cluster.schedulers[old.index]?.process;
  const others = cluster.schedulers.map((_, index) => index).filter((index) => index !== old.index);
  const url = cluster.schedulers[others[kill % others.length] ?? 0]?.url ?? '';
  if (process === undefined) break;
  process.kill('SIGKILL');
  const sinceMs = Date.now();
  const name = `made-${kill}`;
  const list = request(url, 'GET', '/containers/json');
  const create = request(url, 'POST', `/containers/create?name=${name}`, { Image: 'busybox', Cmd: ['true'] });
  while (((await leaderOf(cluster, others))?.epoch ?? 0) <= old.epoch) await sleep(LOOK_EVERY_MS);
  leadsMs.push(Date.now() - sinceMs);
  for (const [answer, figures] of [
    [await list, listedMs],
    [await create, createdMs],
  ] as const) {
    figures.push(answer.ms);
    if (answer.status !== 200 && answer.status !== 201) failed.push(`${answer.status} ${answer.message.trim()}`);
  }
  await endProcess(process);
  await cluster.startScheduler(old.index);
  await settled(cluster, 60_000);
  await until(`${name} is gone`, async () => [204, 404].includes((await request(url, 'DELETE', `/containers/${name}?force=1`)).status));
}
const figures = { leadsMs: spread(leadsMs), listedMs: spread(listedMs), createdMs: spread(createdMs) };
console.log(JSON.stringify({ kills, failed, ...figures, load: loadavg() }, undefined, 2));
