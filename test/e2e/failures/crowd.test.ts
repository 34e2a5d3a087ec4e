/**
 * Many small projects come up at once, each as compose brings it up: a network, a container, its start. Other clients are served meanwhile.
 * ARPANET_TEST_PROJECTS=N says how many; 40 unless told, 200 for the run that docs/reliability.md tells of.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, startCluster, until } from '../../support/cluster/cluster.ts';
import { leaderOf, request } from '../../support/cluster/leaders.ts';
import { assertNothingLeft, type NetworkReport, operator } from '../../support/cluster/leftovers.ts';
import { promisedMs } from '../../support/promised.ts';

const PROJECTS = Number(process.env['ARPANET_TEST_PROJECTS'] ?? 40);
/** What compose waits at the most for one request is a minute; under this the whole crowd is through. */
const BOUND_MS = Math.max(120_000, PROJECTS * 4_000);

describe(`${PROJECTS} projects at once`, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ store: 'consul', schedulers: 3, hosts: 2, mixed: false, logLevel: 'info' });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const url = (index: number) => cluster.schedulers[index % cluster.schedulers.length]?.url ?? '';
  async function must(answer: ReturnType<typeof request>, status: number): Promise<{ Id: string }> {
    const { status: got, message, ms } = await answer;
    assert.equal(got, status, `${got} after ${ms} ms: ${message}`);
    return message === '' ? { Id: '' } : (JSON.parse(message) as { Id: string });
  }
  /** The requests of `docker compose up -d` of one service, as seen on the wire. */
  async function up(index: number): Promise<void> {
    const project = `p${index}`;
    const at = url(index);
    const labels = { 'com.docker.compose.project': project };
    const filter = encodeURIComponent(JSON.stringify({ label: [`com.docker.compose.project=${project}`] }));
    await must(request(at, 'GET', `/containers/json?all=1&filters=${filter}`), 200);
    const network = { ...labels, 'com.docker.compose.network': 'default' };
    await must(request(at, 'POST', '/networks/create', { Name: `${project}_default`, Driver: 'bridge', Labels: network }, BOUND_MS), 201);
    const body = {
      Image: 'busybox',
      Cmd: ['sleep', '10000'],
      StopSignal: 'SIGKILL',
      Labels: {
        ...labels,
        'com.docker.compose.service': 'web',
        'com.docker.compose.container-number': '1',
        'com.docker.compose.oneoff': 'False',
      },
      HostConfig: { NetworkMode: `${project}_default` },
      NetworkingConfig: { EndpointsConfig: { [`${project}_default`]: { Aliases: ['web'] } } },
    };
    const { Id } = await must(request(at, 'POST', `/containers/create?name=${project}-web-1`, body, BOUND_MS), 201);
    await must(request(at, 'POST', `/containers/${Id}/start`, undefined, BOUND_MS), 204);
    await must(request(at, 'GET', `/containers/${Id}/json`), 200);
  }
  async function down(index: number): Promise<void> {
    await must(request(url(index), 'DELETE', `/containers/p${index}-web-1?force=1&v=1`, undefined, BOUND_MS), 204);
    await must(request(url(index), 'DELETE', `/networks/p${index}_default`, undefined, BOUND_MS), 204);
  }
  const all = async (work: (index: number) => Promise<void>) => {
    const beganMs = Date.now();
    const results = await Promise.allSettled(Array.from({ length: PROJECTS }, (_, index) => work(index)));
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
    assert.deepEqual(failed.slice(0, 5), [], `${failed.length} of ${PROJECTS} failed`);
    return Date.now() - beganMs;
  };
  const leader = async () => (await until('one leads', () => leaderOf(cluster))).index;
  const rssMiB = (pid: number | undefined) =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

  it('all come up, each with its own subnet, names and address; another client’s lists are answered; memory stays bounded; nothing is left', async () => {
    const { pid } = cluster.schedulers[await leader()]?.process ?? {};
    const stop = new AbortController();
    const waits: number[] = [];
    let mostMiB = rssMiB(pid);
    const firstMiB = mostMiB;
    const bystander = (async () => {
      while (!stop.signal.aborted) {
        const { status, ms } = await request(url(0), 'GET', '/containers/json?all=1');
        assert.equal(status, 200);
        waits.push(ms);
        mostMiB = Math.max(mostMiB, rssMiB(pid));
        await sleep(100);
      }
    })();
    const [tookMs] = await Promise.all([all(up).finally(() => stop.abort()), bystander]);
    waits.sort((a, b) => a - b);
    const worst = waits.at(-1) ?? 0;
    console.log(
      `# ${PROJECTS} projects up in ${(tookMs / 1_000).toFixed(1)} s; another client's list: p50 ${waits[Math.floor(waits.length / 2)]} ms, worst ${worst} ms; the leader's memory ${Math.round(firstMiB)} -> ${Math.round(mostMiB)} MiB`,
    );
    assert.ok(worst < promisedMs(10_000), `a list took ${worst} ms`);
    assert.ok(mostMiB - firstMiB < 300, `${firstMiB} -> ${mostMiB} MiB`);
    const networks = await operator<NetworkReport[]>(cluster, 'networks');
    assert.equal(new Set(networks.map(({ cidr }) => cidr)).size, PROJECTS);
    const held = networks.flatMap(({ leases }) =>
      leases.filter(({ kind }) => kind === 'instance').map(({ ip, owner }) => `${ip} ${owner}`),
    );
    assert.equal(new Set(held.map((one) => one.split(' ')[0])).size, PROJECTS, held.join('\n'));
    const running = (await (await fetch(`${cluster.url}/containers/json`)).json()) as {
      NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
    }[];
    const addresses = running.flatMap(({ NetworkSettings }) => Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress));
    assert.deepEqual(addresses.sort(), held.map((one) => one.split(' ')[0] ?? '').sort());
    const named = async () => (await operator<{ id: string; ready: boolean }[]>(cluster, 'names')).filter(({ ready }) => ready).length;
    await until('all are named', async () => (await named()) === PROJECTS);
    const findings = async () => (await operator<{ findings: unknown[] }>(cluster, 'audit')).findings;
    await until('an audit finds nothing', async () => (await findings()).length === 0, 30_000);
    console.log(`# down in ${((await all(down)) / 1_000).toFixed(1)} s`);
    await until('an audit finds nothing', async () => (await findings()).length === 0, 30_000);
    await assertNothingLeft(cluster, ['p0']);
  });
});
