/**
 * npm run test:package: the container image on two Engines, loaded from its file: a scheduler and two agents in containers, with the network of their machine and the
 * capabilities that docs/install.md names, none of them privileged. Needs root.
 */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { must, runProgram, until } from '../support/cluster/cluster.ts';
import { startLab } from '../support/cluster/lab.ts';
import { repository } from '../support/cluster/paths.ts';
import { packageOf } from './bare-machine.ts';

/** The command of this process in the page, with other addresses; one line. Pure. */
function commandIn(page: string, process: 'scheduler' | 'agent', replaced: Readonly<Record<string, string>>): string {
  const text = page.replaceAll(/ \\\n\s*/g, ' ');
  const found = text.split('\n').find((line) => line.startsWith('    docker run') && line.includes(`:X.Y.Z ${process} `));
  assert.ok(found !== undefined, `docs/install.md has the ${process} in a container`);
  return Object.entries(replaced).reduce((line, [from, to]) => line.replaceAll(from, to), found.trim());
}

describe('the image', () => {
  it('runs a scheduler and agents in containers that are not privileged', { timeout: 600_000 }, async () => {
    const file = packageOf('-image.tar');
    const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { readonly version: string };
    assert.ok(statSync(file).size < 150e6, 'less than 150 MB');
    const page = readFileSync(join(repository, 'docs', 'install.md'), 'utf8');
    await using lab = await startLab({ count: 2, mixed: true });
    const [one, two] = lab.hosts;
    assert.ok(one !== undefined && two !== undefined);
    const on = (host: typeof one, command: string) =>
      must(
        runProgram('sh', ['-c', command], {
          env: { PATH: process.env['PATH'] ?? '', DOCKER_HOST: `unix://${host.socket}`, HOME: '/root' },
        }),
      );
    for (const host of [one, two]) assert.match(await on(host, `docker load -i ${file}`), new RegExp(`Loaded image: arpanet:${version}`));
    const replaced = { 'X.Y.Z': version, '10.0.0.1': one.address };
    const scheduler = commandIn(page, 'scheduler', replaced);
    assert.doesNotMatch(scheduler, /privileged/);
    await on(one, scheduler);
    const ask = (...args: readonly string[]) => on(one, `docker exec arpanet-scheduler arpanet ${args.join(' ')}`);
    const token = await until('the scheduler leads', async () => (await ask('token')).trim());
    for (const [host, name] of [
      [one, 'm1'],
      [two, 'm2'],
    ] as const) {
      const agent = commandIn(page, 'agent', {
        ...replaced,
        '/var/run/docker.sock:/var/run/docker.sock': `${host.socket}:/var/run/docker.sock`,
        '10.0.0.2': host.address,
        'ARPTKN-1-…': token,
        m2: name,
      });
      assert.doesNotMatch(agent, /privileged/);
      await on(host, agent);
    }
    await until('both hosts are alive', async () => {
      const hosts = JSON.parse(await ask('hosts', '--json')) as readonly { readonly state: string }[];
      return hosts.length === 2 && hosts.every(({ state }) => state === 'alive');
    });
    const docker = async (...args: readonly string[]) =>
      must(
        runProgram('nsenter', [`--net=/run/netns/${one.namespace}`, 'docker', '-H', 'tcp://127.0.0.1:2375', ...args], {
          env: { PATH: process.env['PATH'] ?? '', HOME: '/root' },
        }),
      );
    await docker('network', 'create', 'abc');
    for (const number of [1, 2])
      await docker(
        'run',
        '-d',
        '--name',
        `abc-${number}`,
        '--network',
        'abc',
        '-l',
        `constraint:node==m${number}`,
        '-v',
        '/etc/hostname:/from-host:ro',
        'busybox',
        'sleep',
        '600',
      );
    await until('one reaches the other by name', () => docker('exec', 'abc-1', 'ping', '-c', '1', '-W', '5', 'abc-2'));
    await docker('rm', '-f', 'abc-1', 'abc-2');
  });
});
