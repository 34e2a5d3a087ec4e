/** What must hold for those who watch, and for what tags mean, when the leader is killed. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { open, request } from '../../conformance/replay/wire.ts';
import { type Cluster, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { promisedMs } from '../../support/promised.ts';

interface Told {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly timeNano: number;
}

const identity = ({ Type, Action, Actor, timeNano }: Told): string => `${timeNano} ${Type} ${Action} ${Actor.ID}`;
const LIFE = ['create', 'start', 'die', 'destroy'];

describe('a change of leader', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ store: 'consul', schedulers: 2, hosts: 2, mixed: false });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  /** Ends the leader; gives the scheduler that leads then. */
  async function killLeader(): Promise<Cluster['schedulers'][number]> {
    const status = await operator<{ leader: { name: string } }>(cluster, 'status');
    const leader = cluster.schedulers.find(({ name }) => name === status.leader.name) ?? assert.fail();
    const other = cluster.schedulers.find(({ name }) => name !== leader.name) ?? assert.fail();
    leader.process.kill('SIGKILL');
    const leads = async () => {
      const answer = await fetch(`${other.url}/arpanet/v1/health`);
      return ((await answer.json()) as { role: string }).role === 'leading';
    };
    await until('the other one leads', leads, 30_000);
    return other;
  }

  const restart = async (dead: Cluster['schedulers'][number]) => cluster.startScheduler(cluster.schedulers.indexOf(dead));

  it('ends every event stream, and a watcher that comes back with `since` misses no event and gets none twice', async () => {
    const streams = await Promise.all(cluster.schedulers.map(({ endpoint }) => open(endpoint, 'GET', '/events', { timeoutMs: 120_000 })));
    const lines = (chunks: readonly Buffer[]): Told[] => {
      const whole = Buffer.concat(chunks).toString();
      return whole
        .slice(0, whole.lastIndexOf('\n') + 1)
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Told);
    };
    const env = { ...process.env, DOCKER_HOST: cluster.schedulers.map(({ endpoint }) => endpoint)[1] };
    const lives = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i++) {
        // a container that the kill interrupts may say so; what counts is what is told of those that were
        await runProgram('docker', ['run', '--rm', '--name', `w${i}`, 'busybox', 'true'], { env });
      }
    };
    await lives(0, 4);
    await until('the streams tell of them', () => streams.every(({ chunks }) => lines(chunks).some((one) => one.Action === 'destroy')));
    const busy = lives(4, 10);
    const next = await killLeader();
    await Promise.all(
      streams.map(async ({ ended }, i) => {
        const timer = new Promise((resolve) => setTimeout(resolve, promisedMs(15_000), 'late').unref());
        assert.notEqual(await Promise.race([ended, timer]), 'late', `stream ${i} hangs`);
      }),
    );
    await busy;
    await until('all hosts are with the next one', async () => {
      const states = (await operator<{ state: string }[]>(next, 'hosts')).map(({ state }) => state);
      return states.length > 0 && states.every((state) => state === 'alive');
    });
    for (const { chunks } of streams) {
      const before = lines(chunks);
      const last = before.at(-1) ?? assert.fail('nothing was told');
      const text = String(BigInt(last.timeNano));
      const since = `${text.slice(0, -9)}.${text.slice(-9)}`;
      const again = lines([(await request(next.endpoint, 'GET', `/events?since=${since}&until=${Date.now() / 1000 + 1}`)).body]);
      assert.equal(new Set(before.map(identity)).size, before.length, 'told twice before');
      assert.equal(new Set(again.map(identity)).size, again.length, 'told twice afterwards');
      assert.ok(
        again.every((one) => one.timeNano >= last.timeNano),
        'told of what was before',
      );
      const all = [...new Map([...before, ...again].map((one) => [identity(one), one])).values()];
      for (let i = 0; i < 10; i++) {
        const actions = all
          .flatMap((one) => (one.Actor.Attributes['name'] === `w${i}` ? [one.Action] : []))
          .filter((one) => LIFE.includes(one));
        if (actions.includes('destroy')) assert.deepEqual(actions, LIFE, `w${i}`);
        else assert.ok(i >= 4, `w${i} was lost: ${actions.join(' ')}`);
      }
    }
    await restart(cluster.schedulers.find(({ name }) => name !== next.name) ?? assert.fail());
  });

  it('leaves a tag with the image that it was given last, older though that is', async () => {
    const { endpoint } = cluster.schedulers[0] ?? assert.fail();
    const env = { ...process.env, DOCKER_HOST: endpoint };
    const docker = (...args: string[]) => must(runProgram('docker', args, { env }));
    const made = async (word: string): Promise<string> => {
      await docker(
        'run',
        '--name',
        `make-${word}`,
        '--label',
        'arpanet.constraints=["node.name==h1"]',
        'busybox',
        'sh',
        '-c',
        `echo ${word} > /word`,
      );
      const id = (await docker('commit', `make-${word}`, `made:${word}`)).trim();
      await docker('rm', `make-${word}`);
      return id;
    };
    const older = await made('older');
    const newer = await made('newer');
    assert.notEqual(older, newer);
    const says = (host: string) =>
      docker('run', '--rm', '--label', `arpanet.constraints=["node.name==${host}"]`, 'app:1', 'cat', '/word').then((word) => word.trim());
    await docker('tag', 'made:newer', 'app:1');
    assert.equal(await says('h2'), 'newer');
    await docker('tag', 'made:older', 'app:1');
    const next = await killLeader();
    env.DOCKER_HOST = next.endpoint;
    assert.deepEqual([await says('h2'), await says('h1')], ['older', 'older']);
    await docker('rmi', '-f', 'app:1', 'made:older', 'made:newer');
    await restart(cluster.schedulers.find(({ name }) => name !== next.name) ?? assert.fail());
  });
});
