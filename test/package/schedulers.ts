/** npm run test:package: a second scheduler by the line of `arpanet schedulers add`, with Consul and the cluster key, and taken off again. Needs root. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../support/cluster/cluster.ts';
import { tools } from '../support/cluster/paths.ts';
import { filesOf } from './bare-machine.ts';
import { installDeb, startScheduler, twoMachines } from './two-machines.ts';
import { systemd } from './systemd.ts';

const KEY = '/var/lib/arpanet/scheduler/cluster.key';

describe('a second scheduler by one line', () => {
  it('needs Consul and the cluster key, follows, and is taken off again', { timeout: 600_000 }, async () => {
    await using machines = await twoMachines();
    const { scratch, one, first, second } = machines;
    using _ = await systemd(second, scratch);
    first.bring(tools.consul(), 'consul');
    const store = `consul://${one.address}:8500`;
    first.start(['/consul', 'agent', '-dev', '-client=0.0.0.0', `-bind=${one.address}`], join(scratch, 'consul.log'));
    await installDeb(first);
    const settings = `name: s1\nlisten: [tcp://127.0.0.1:2375, "tls://${one.address}:2378"]\nadvertise: https://${one.address}:2378\nstore: ${store}\ncluster-key: ${KEY}\n`;
    await startScheduler(machines, settings);
    const said = await first.run(['arpanet', 'schedulers', 'add', 's2']);
    const line = /^ *(curl .*)$/m.exec(said)?.[1] ?? said;
    const run = (command: string) => second.run(['sh', '-c', `exec 2>&1; ${command}; echo "ended $?"`]);
    const before = await filesOf(second);
    assert.match(await run(line), /FAIL {2}there is no cluster key[\s\S]*Nothing was changed[\s\S]*ended 1/);
    assert.deepEqual(await filesOf(second), before);
    // the first scheduler has made it, as its own user
    const key = await first.run(['cat', KEY]);
    await second.run(['sh', '-c', `install -d -m 700 /var/lib/arpanet/scheduler; umask 077; cat > ${KEY}`], key);
    assert.match(await run(line), /ok {4}Consul answers[\s\S]*the scheduler s2 is in[\s\S]*ended 0/);
    await until('the leader knows it', async () =>
      /s2 at https:\/\/|1 follower|s2/.test(await first.run(['sh', '-c', 'arpanet status; true'])),
    );
    const status = JSON.parse(await second.run(['sh', '-c', 'arpanet status --json; true'])) as {
      readonly schedulers: readonly { readonly name: string }[];
    };
    assert.deepEqual(status.schedulers.map(({ name }) => name).toSorted(), ['s1', 's2']);
    assert.equal(await second.run(['stat', '-c', '%U %a', KEY]), 'arpanet 600\n');
    assert.match(await first.run(['arpanet', 'key', 'rotate']), /./);
    await until(
      'the second has the key of the first, and more',
      async () => (await second.run(['cat', KEY])).split('\n').length > key.split('\n').length,
    );
    assert.match(
      await run(line.replace(/--scheduler.*/, '--scheduler --remove')),
      /the cluster key stays in \/var\/lib\/arpanet\/scheduler\/cluster\.key[\s\S]*not on this machine any more[\s\S]*ended 0/,
    );
    assert.deepEqual(await filesOf(second), [...before, '/var/lib/arpanet', '/var/lib/arpanet/scheduler', KEY].toSorted());
    assert.equal(await second.run(['sh', '-c', 'getent passwd arpanet; true']), '');
  });
});
