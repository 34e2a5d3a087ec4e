/** A scheduler, an agent or an Engine dies at a named point between two effects: what was answered holds, and nothing is left over. Once for each. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Failpoint, FAILPOINTS } from '../../../src/model/index.ts';
import { schedulerWithFaults } from '../../faults/lab.ts';
import { type Cluster, startCluster, until } from '../cluster/cluster.ts';
import { type Answer, leaderOf, request } from '../cluster/leaders.ts';
import { operator } from '../cluster/leftovers.ts';

const container = (name: string) => ({
  Image: 'busybox',
  Cmd: ['sleep', '1000'],
  StopTimeout: 0,
  Labels: { 'arpanet.deployment': 'failpoints' },
  HostConfig: { NetworkMode: `${name}-a` },
});
const instance = (service: string) => ({
  Image: 'busybox',
  Cmd: ['sleep', '1000'],
  StopTimeout: 0,
  Labels: { 'arpanet.deployment': 'failpoints', 'arpanet.service': service },
});
const isOfCount = (point: Failpoint) => /^(count|scale)\./.test(point);

export function describeFailpoints(part: 'scheduler' | 'agent' | 'Engine'): void {
  describe(`death of the ${part} at a named point`, () => {
    let cluster: Cluster;
    let dir: string;
    before(async () => {
      cluster = await startCluster({ store: 'consul', schedulers: 2, hosts: 1, mixed: false, schedulerArgs: ['--lease-rest', '1s'] });
      dir = join(cluster.lab.dir, 'failpoints');
      mkdirSync(dir);
      // The follower first, so that the lead moves once only.
      for (const index of [1, 0]) await restart(index);
      await until('the host is there', isHostAlive, 20_000);
    });
    after(() => cluster?.[Symbol.asyncDispose]());

    const leads = () => until('one leads', () => leaderOf(cluster), 20_000);
    const isHostAlive = async () => (await operator<{ state: string }[]>(await leads(), 'hosts'))[0]?.state === 'alive';
    async function restart(index: number): Promise<void> {
      const { process } = cluster.schedulers[index] ?? assert.fail();
      if (process.exitCode === null && process.signalCode === null) {
        const gone = new Promise((resolve) => process.once('exit', resolve));
        process.kill('SIGTERM');
        await gone;
      }
      await cluster.startScheduler(index, schedulerWithFaults(dir));
    }
    const arm = (point: Failpoint, action: 'kill' | 'wait') => writeFileSync(join(dir, point), action);
    const isArmed = (point: Failpoint) => existsSync(join(dir, point));

    const ask = (url: string, method: string, path: string, body?: unknown) => request(url, method, path, body);
    /** What an answer promised is true; one that promised nothing left all or nothing, which the end of the test looks at. */
    async function promised(answer: Answer, good: readonly number[], path: string, isThere: boolean): Promise<void> {
      const isUndoing = answer.message.includes('already in progress');
      assert.ok(good.includes(answer.status) || answer.status >= 500 || isUndoing, `${path}: ${answer.status} ${answer.message}`);
      if (!good.includes(answer.status)) return;
      const then = await ask((await leads()).url, 'GET', path);
      assert.equal(then.status === 200, isThere, `${path} was answered ${answer.status}, and asked for ${then.status} ${then.message}`);
    }

    /** All that there is to do with one container and its networks. */
    async function exercise(url: string, name: string): Promise<void> {
      const path = `/containers/${name}/json`;
      const networks = [`${name}-a`, `${name}-b`];
      for (const Name of networks) {
        await promised(await ask(url, 'POST', '/networks/create', { Name }), [201, 409], `/networks/${Name}`, true);
        await until(
          'the network is there',
          async () => [201, 409].includes((await ask(url, 'POST', '/networks/create', { Name })).status),
          20_000,
        );
      }
      await promised(await ask(url, 'POST', `/containers/create?name=${name}`, container(name)), [201, 409], path, true);
      await until(
        'it is there and starts',
        async () => {
          await ask(url, 'POST', `/containers/create?name=${name}`, container(name));
          return [204, 304].includes((await ask(url, 'POST', `/containers/${name}/start`)).status);
        },
        40_000,
      );
      await ask(url, 'POST', `/networks/${name}-b/connect`, { Container: name });
      await ask(url, 'POST', `/containers/${name}/stop?t=0`);
      await promised(await ask(url, 'DELETE', `/containers/${name}?force=1`), [204, 404], path, false);
      for (const network of networks) await ask(url, 'DELETE', `/networks/${network}`);
    }

    interface Service {
      readonly service: string;
      readonly desired: number;
      readonly running: number;
    }
    const serviceNamed = async (name: string): Promise<Service | undefined> =>
      (await operator<Service[]>(await leads(), 'services')).find(({ service }) => service === name);
    const counts = (name: string, desired: number) =>
      until(
        `${name} has ${desired}`,
        async () => {
          const found = await serviceNamed(name);
          if (found?.desired !== desired || found.running !== desired) throw new Error(JSON.stringify(found));
          return true;
        },
        40_000,
      );
    /** Counted as they are made, scaled up and down, and one removed by a client: the count is what was last asked for and answered. */
    async function scale(url: string, name: string): Promise<void> {
      for (const number of [1, 2]) {
        const one = `${name}-${number}`;
        await ask(url, 'POST', `/containers/create?name=${one}`, instance(name));
        await until(
          'it is there and starts',
          async () => {
            await ask(url, 'POST', `/containers/create?name=${one}`, instance(name));
            return [204, 304].includes((await ask(url, 'POST', `/containers/${one}/start`)).status);
          },
          40_000,
        );
      }
      await counts(name, 2);
      for (const count of [3, 2]) {
        await until(
          'the count is written',
          async () => {
            const found = await serviceNamed(name);
            if (found?.desired === count) return true;
            await ask((await leads()).url, 'POST', '/arpanet/v1/services/scale', { counts: [`failpoints/${name}=${count}`] });
            return (await serviceNamed(name))?.desired === count;
          },
          40_000,
        );
        await counts(name, count);
      }
      const removed = await ask(url, 'DELETE', `/containers/${name}-1?force=1`);
      await until(
        'it is removed',
        async () => [204, 404].includes((await ask(url, 'DELETE', `/containers/${name}-1?force=1`)).status),
        20_000,
      );
      if (removed.status === 204) await counts(name, 1);
      else await until('the count has settled', async () => (await serviceNamed(name))?.running === (await serviceNamed(name))?.desired);
    }
    const run = (point: Failpoint, url: string, name: string) => (isOfCount(point) ? scale(url, name) : exercise(url, name));

    /** All is removed, and then nothing is found anywhere. */
    async function clean(): Promise<void> {
      const removed = async (path: string) => [204, 404].includes((await ask((await leads()).url, 'DELETE', path)).status);
      await until(
        'all is removed',
        async () => {
          const { url } = await leads();
          const left = JSON.parse((await ask(url, 'GET', '/containers/json?all=1')).message) as { Id: string; Names: string[] }[];
          const networks = await operator<{ id: string; name: string }[]>({ url }, 'networks');
          for (const { Id } of left) await removed(`/containers/${Id}?force=1`);
          for (const { name } of networks) if (/-[ab]$/.test(name)) await removed(`/networks/${name}`);
          return left.length === 0 && networks.length === 0;
        },
        40_000,
      );
      await until(
        'an audit finds nothing',
        async () => {
          const { findings } = await operator<{ findings: unknown[] }>(await leads(), 'audit');
          const services = await operator<unknown[]>(await leads(), 'services');
          if (findings.length + services.length > 0) throw new Error(JSON.stringify([findings, services]));
          return true;
        },
        40_000,
      );
    }

    if (part === 'scheduler') {
      for (const [index, point] of FAILPOINTS.entries()) {
        it(`of the scheduler, at ${point}: the other one finishes or undoes it`, async () => {
          const leader = await leads();
          arm(point, 'kill');
          await run(point, cluster.schedulers[1 - leader.index]?.url ?? '', `s${index}`);
          assert.ok(!isArmed(point), 'it never came to this point');
          assert.equal(cluster.schedulers[leader.index]?.process.signalCode, 'SIGKILL');
          await restart(leader.index);
          await clean();
        });
      }
      return;
    }

    it(`of the ${part}, at each of these points in turn: what was begun is finished or undone`, async () => {
      const host = cluster.lab.hosts[0] ?? assert.fail();
      const { url } = await leads();
      let count = 0;
      /** The work is done again and again until the part has died at each of the points. */
      async function through(points: readonly Failpoint[], work: (url: string, name: string) => Promise<void>): Promise<void> {
        const over = new AbortController();
        const strikes = (async () => {
          for (const point of points) {
            const reached = join(dir, `${point}.reached`);
            arm(point, 'wait');
            await until(`it comes to ${point}`, () => existsSync(reached), 60_000);
            if (part === 'agent') cluster.agents.get(host.name)?.kill('SIGKILL');
            else await cluster.lab.stopEngine(host, 'SIGKILL');
            rmSync(reached);
            await (part === 'agent' ? cluster.startAgent(host.name) : cluster.lab.startEngine(host));
          }
        })().finally(() => over.abort());
        const working = (async () => {
          while (!over.signal.aborted) await work(url, `${part[0]}${count++}`.toLowerCase());
        })();
        await Promise.all([strikes, working]);
      }
      await through(
        FAILPOINTS.filter((point) => !isOfCount(point)),
        exercise,
      );
      await through(FAILPOINTS.filter(isOfCount), scale);
      await clean();
    });
  });
}
