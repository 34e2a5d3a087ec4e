/**
 * npm run test:package: a scheduler from the .deb, with TLS, and a bare machine with nothing but Docker and curl that joins by the line of `arpanet hosts add`: killed at
 * each step and run again, told why not, taken off again without a trace. Needs root.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { endProcess, until } from '../support/cluster/cluster.ts';
import { traceOf } from './bare-machine.ts';
import { installDeb, startScheduler, twoMachines } from './two-machines.ts';

const STEPS = ['download', 'unpack', 'place', 'settings', 'unit'];
const TAKEN_OFF = ['containers', 'networks', 'links', 'rules', 'files', 'program'];

describe('a machine that joins by one line', () => {
  it('is checked, joins also after it was killed at any step, and is taken off again without a trace', { timeout: 900_000 }, async () => {
    await using machines = await twoMachines();
    const { scratch, first, second } = machines;
    await installDeb(first);
    const scheduler = await startScheduler(machines);
    const ask = (...args: readonly string[]) => first.run(['arpanet', ...args]);

    const line = async (...args: readonly string[]) => {
      const said = await first.run(['sh', '-c', `arpanet ${args.join(' ')} 2>&1`]);
      const found = /^ *(curl .*)$/m.exec(said)?.[1];
      assert.ok(found !== undefined, said);
      return found.replace('sudo sh', 'sh');
    };
    const run = (text: string, more = '') =>
      second.run(['sh', '-c', `exec 2>&1; ${text.replace('| sh', `| ${more} sh`)}; echo "ended $?"`]);
    const before = await traceOf(second);
    const daemon = await second.run(['sh', '-c', 'cat /etc/docker/daemon.json 2>/dev/null; true']);
    await second.run(['docker', 'run', '-d', '--name', 'mine', '--network', 'none', 'busybox', 'sleep', '900']);
    const pidOf = () => second.run(['docker', 'inspect', '-f', '{{.State.Pid}}', 'mine']);
    const pid = await pidOf();
    const join1 = await line('hosts', 'add', 'h2');
    assert.match(join1, /^curl -fsSLk .*--pinnedpubkey 'sha256\/\/.*\| sh -s -- ARPTKN-1-[0-9a-f]{64}-\S+ h2$/);

    // nothing is changed if a check fails
    await second.run(['ip', 'link', 'add', 'in-the-way', 'type', 'bridge']);
    await second.run(['sh', '-c', 'ip link set in-the-way up; ip route add 10.34.0.0/24 dev in-the-way']);
    assert.match(
      await run(join1),
      /FAIL {2}this machine routes 10\.34\.0\.0\/24 dev in-the-way, which overlaps with 10\.32\.0\.0\/12[\s\S]*Nothing was changed[\s\S]*ended 1/,
    );
    await second.run(['ip', 'link', 'del', 'in-the-way']);
    assert.match(await run(join1.replace(/sha256\/\/[^']*/, `sha256//${'A'.repeat(43)}=`)), /curl: \(90\)[\s\S]*ended 0/, 'another key');
    assert.match(
      await run(join1.replace(/-[^- ]+ h2$/, '-wrong h2')),
      /FAIL {2}the scheduler answers 401: the join token is wrong[\s\S]*ended 1/,
    );
    assert.deepEqual(await traceOf(second), before);

    const beganMs = Date.now();
    for (const step of STEPS) assert.doesNotMatch(await run(join1, `ARPANET_TEST_END_AT=${step}`), /ended 0/, step);
    assert.match(
      await run(join1),
      /There is no systemd here[\s\S]*\/usr\/local\/bin\/arpanet agent --config \/etc\/arpanet\/agent\.yaml[\s\S]*ended 0/,
    );
    const program = ['/usr/local/bin/arpanet', 'agent', '--config', '/etc/arpanet/agent.yaml'];
    let agent = second.start(program, join(scratch, 'h2.log'));
    await until('h2 is alive', async () => /h2 .* alive/.test(await ask('hosts')));
    assert.match(await run(join1), /h2 has joined already/);
    assert.equal(await second.run(['stat', '-c', '%a', '/etc/arpanet/token', '/etc/arpanet/agent.yaml']), '600\n600\n');
    const other = await line('hosts', 'add', 'h3');
    assert.match(await run(other), /FAIL {2}this machine is host h2[\s\S]*FAIL {2}10\.\S+ is the address of host h2[\s\S]*ended 1/);

    // it takes containers
    await first.run(['docker', '-H', 'tcp://127.0.0.1:2375', 'run', '-d', '--name', 'abc', 'busybox', 'sleep', '900']);
    assert.match(await run('true; curl -s --unix-socket /run/docker.sock http://d/containers/json', ''), /arpanet\.instance/);
    assert.ok(Date.now() - beganMs < 120_000, 'less than two minutes, with five joins that were killed');

    // its disk is lost, and with it its files: it takes its own place
    await endProcess(agent);
    await second.run(['sh', '-c', 'rm -rf /usr/local/lib/arpanet /usr/local/bin/arpanet /etc/arpanet /var/lib/arpanet']);
    await until('h2 is down', async () => /h2 .* down/.test(await ask('hosts')));
    const again = await run(join1);
    assert.match(again, /note {2}host h2 is down \(its disk was wiped, it seems\): this machine takes its place[\s\S]*ended 0/);
    agent = second.start(program, join(scratch, 'h2.log'));
    await until('h2 is back', async () => /h2 .* alive/.test(await ask('hosts')));

    // as encrypted networks have it
    await second.run([
      'sh',
      '-c',
      'ip link add arw0a000001a type bridge && ip addr add fd61:7270:616e::a00:1/128 dev lo && ip6tables -w 5 -t mangle -I INPUT ! -i arw+ -p udp -m udp --dport 7374 -j DROP',
    ]);
    // and is taken off
    const remove = join1.replace(/ARPTKN-.*/, '--remove');
    assert.match(await run(remove), /FAIL {2}1 containers of the cluster are here[\s\S]*arpanet drain h2/);
    await ask('hosts', 'add', 'h4').catch(() => undefined);
    const removeLine = await line('hosts', 'rm', 'h2', '--force');
    assert.match(removeLine, /\| sh -s -- --remove$/);
    for (const step of TAKEN_OFF) assert.doesNotMatch(await run(removeLine, `ARPANET_TEST_END_AT=${step}`), /ended 0/, step);
    assert.match(await run(removeLine), /not on this machine any more[\s\S]*ended 0/);
    assert.match(await run(removeLine), /ended 0/, 'again');
    assert.deepEqual(await traceOf(second), before);
    assert.equal(await pidOf(), pid);
    assert.equal(await second.run(['sh', '-c', 'cat /etc/docker/daemon.json 2>/dev/null; true']), daemon);
    await second.run(['docker', 'rm', '-f', 'mine']);
    await endProcess(agent);
    await endProcess(scheduler);
  });
});
