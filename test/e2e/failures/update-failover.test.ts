/** A rolling update, its leader killed half way, then scaling down and up: under constant load by short hostname no request fails. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft, operator } from '../../support/cluster/leftovers.ts';

const file = `
services:
  web:
    image: busybox
    command: sh -c 'mkdir -p /www && hostname > /www/index.html && exec httpd -f -p 80 -h /www'
    stop_grace_period: 1s
    scale: 3
    # without one an instance counts as soon as it runs, which on a busy machine is before it listens
    healthcheck: {test: [CMD, wget, -qO, /dev/null, "http://localhost/"], interval: 1s, timeout: 5s, retries: 3}
  ask:
    image: busybox
    command: sleep 3600
    stop_grace_period: 1s
`;

describe('the leader is killed while services change', () => {
  let cluster: Cluster;
  let scratch: string;
  before(async () => {
    cluster = await startCluster({ store: 'consul', schedulers: 2, hosts: 2 });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-update-'));
    mkdirSync(join(scratch, 'abc'));
    writeFileSync(join(scratch, 'abc', 'compose.yml'), file);
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const leading = async () => {
    const { leader } = await operator<{ leader: { name: string } }>(cluster, 'status');
    const index = cluster.schedulers.findIndex(({ name }) => name === leader.name);
    const [now, other] = [cluster.schedulers[index], cluster.schedulers[1 - index]];
    assert.ok(now && other);
    return { index, now, other };
  };
  /** Through a scheduler that stays. */
  const on = (endpoint: string) => ({
    docker: (...args: string[]) => runProgram('docker', ['-H', endpoint, ...args]),
    arpanet: (...args: string[]) => cluster.arpanet(...args, '--endpoint', endpoint),
  });
  const webs = async (docker: (...args: string[]) => ReturnType<Cluster['docker']>, format: string) =>
    (await docker('ps', '--filter', 'label=com.docker.compose.service=web', '--format', format)).stdout.trim().split('\n').filter(Boolean);

  it('an update goes on under the next leader; then down to one and up again: no request fails', async () => {
    await must(cluster.composeV2(join(scratch, 'abc'), 'up', '-d'));
    const { index, now, other } = await leading();
    const { docker, arpanet } = on(other.endpoint);
    const healthy = ['ps', '-q', '--filter', 'label=com.docker.compose.service=web', '--filter', 'health=healthy'];
    // Compose does not wait for that, and a request before it would fail for no fault of the update.
    await until('all listen', async () => (await docker(...healthy)).stdout.split('\n').filter(Boolean).length === 3);
    const { host } = { host: (await must(docker('inspect', '-f', '{{.Node.Name}}', 'abc-ask-1'))).trim() };
    await until('they are found', async () => (await docker('exec', 'abc-ask-1', 'wget', '-qO', '/dev/null', 'http://web/')).code === 0);
    // Asked on its Engine: what carries the load must not hang on a scheduler.
    const load = cluster.engine(
      host,
      'exec',
      'abc-ask-1',
      'sh',
      '-c',
      'n=0; bad=0; while [ ! -e /stop ]; do n=$((n+1)); wget -qO /dev/null http://web/ || bad=$((bad+1)); usleep 50000; done; echo $n $bad',
    );
    const before = await webs(docker, '{{.ID}}');
    const update = arpanet('update', 'abc/web', '--env', 'COLOUR=green', '--delay', '2s');
    await until('the first is replaced', async () => (await webs(docker, '{{.ID}}')).some((id) => !before.includes(id)));
    now.process.kill('SIGKILL');
    await update;
    await until(
      'all are replaced',
      async () => {
        const ids = await webs(docker, '{{.ID}}');
        return ids.length === 3 && ids.every((id) => !before.includes(id));
      },
      90_000,
    );
    const state = async () => (JSON.parse(await must(arpanet('ps', 'abc/web', '--json'))) as { update: string }[])[0]?.update;
    await until('it is completed', async () => (await state())?.startsWith('completed'), 30_000);
    await must(arpanet('scale', 'abc/web=1'));
    await must(arpanet('scale', 'abc/web+2'));
    await must(cluster.engine(host, 'exec', 'abc-ask-1', 'touch', '/stop'));
    const [asked = 0, bad = 0] = (await must(load)).trim().split(' ').map(Number);
    assert.equal(bad, 0, `${bad} of ${asked} requests failed`);
    assert.equal(asked > 100, true, `${asked} requests`);
    await cluster.startScheduler(index);
  });

  it('compose down takes all of it away', async () => {
    await must(cluster.composeV2(join(scratch, 'abc'), 'down', '-t', '1'));
    await assertNothingLeft(cluster, []);
  });
});
