/**
 * npm run test:package: the .deb on one bare machine, tar.gz and the npm package on another, and from these alone a cluster of two hosts with a
 * compose project over both; then the .deb is purged. Needs root.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { endProcess, until } from '../support/cluster/cluster.ts';
import { packageOf, startUnit, traceOf } from './bare-machine.ts';
import { installDeb, twoMachines } from './two-machines.ts';

const PROJECT = `services:
  web:
    image: busybox
    command: sleep 600
    scale: 2
`;

describe('the packages on bare machines', () => {
  it('make a cluster of two hosts with a compose project, from nothing else, and the .deb is removed without a trace', {
    timeout: 900_000,
  }, async () => {
    await using machines = await twoMachines();
    const { scratch, one, two, first, second } = machines;
    const endpoint = `tcp://${one.address}:2375`;

    const before = await traceOf(first);
    await installDeb(first);
    assert.match(await first.run(['getent', 'passwd', 'arpanet']), /^arpanet:/);
    await first.run([
      'sh',
      '-c',
      `arpanet config sample scheduler listen=${endpoint} insecure=true store=embedded:/var/lib/arpanet/scheduler > /etc/arpanet/scheduler.yaml`,
    ]);
    const scheduler = await startUnit(first, 'arpanet-scheduler', join(scratch, 'scheduler.log'));
    const token = await until('the scheduler answers', async () => (await first.run(['arpanet', 'token', '--endpoint', endpoint])).trim());
    assert.match(
      await first.run(['sh', '-c', `ps 2>/dev/null; cat /proc/${scheduler.pid}/status`]),
      /^Uid:\t[1-9]/m,
      'it does not run as root',
    );
    await first.run(['sh', '-c', `umask 077; echo ${token} > /etc/arpanet/token`]);
    const settings = (name: string, address: string, data: string) =>
      `sample agent name=${name} address=${address} join=http://${one.address}:2375 token-file=/etc/arpanet/token data=${data}`;
    await first.run(['sh', '-c', `arpanet config ${settings('h1', one.address, '/var/lib/arpanet/agent')} > /etc/arpanet/agent.yaml`]);
    const agent = await startUnit(first, 'arpanet-agent', join(scratch, 'h1.log'));

    second.bring(packageOf('.tar.gz'), 'arpanet.tar.gz');
    second.bring(packageOf('.tgz'), 'arpanet.tgz');
    await second.run([
      'sh',
      '-c',
      'mkdir -p /opt/arpanet /opt/npm /etc/arpanet; tar -xzf /arpanet.tar.gz -C /opt/arpanet --strip-components=1; tar -xzf /arpanet.tgz -C /opt/npm --strip-components=1',
    ]);
    await second.run([
      'sh',
      '-c',
      `umask 077; echo ${token} > /etc/arpanet/token; /opt/arpanet/bin/arpanet config ${settings('h2', two.address, '/var/lib/arpanet')} > /etc/arpanet/agent.yaml`,
    ]);
    const byNpm = ['/opt/arpanet/bin/node', '/opt/npm/dist/cli/main.js'];
    assert.equal(await second.run([...byNpm, '--version']), await second.run(['/opt/arpanet/bin/arpanet', '--version']));
    second.start(['/opt/arpanet/bin/arpanet', 'agent', '--config', '/etc/arpanet/agent.yaml'], join(scratch, 'h2.log'));

    const ask = (...args: readonly string[]) => first.run(['arpanet', ...args, '--endpoint', endpoint]);
    await until('both hosts are alive', async () => {
      const hosts = JSON.parse(await ask('hosts', '--json')) as readonly { readonly state: string }[];
      return hosts.length === 2 && hosts.every(({ state }) => state === 'alive');
    });
    await first.run(['sh', '-c', 'cat > /root/compose.yml'], PROJECT);
    await ask('deploy', '-f', '/root/compose.yml', '-p', 'abc');
    const docker = (...args: readonly string[]) => second.run(['docker', '-H', endpoint, ...args]);
    const hosts = await docker('ps', '--format', '{{.Label "arpanet.host"}}');
    assert.deepEqual(hosts.trim().split('\n').toSorted(), ['h1', 'h2']);
    await until('one instance reaches the other by name', () => docker('exec', 'abc-web-1', 'ping', '-c', '1', '-W', '5', 'abc-web-2'));

    await docker('rm', '-f', ...(await docker('ps', '-aq')).trim().split('\n'));
    await endProcess(agent);
    await endProcess(scheduler);
    await first.run(['dpkg', '--purge', 'arpanet']);
    assert.deepEqual(await traceOf(first), before);
  });
});
