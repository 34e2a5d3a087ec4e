/** Labels of arpanet that others wrote: in a Dockerfile, in a request, on a host's own Engine. They take no name, no address and no place in a service. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { operator } from '../../support/cluster/leftovers.ts';

type Labels = Readonly<Record<string, string>>;

describe('forged labels', () => {
  let cluster: Cluster;
  let scratch: string;
  let address = '';
  let network = '';
  let written: Labels = {};
  before(async () => {
    cluster = await startCluster({ store: 'embedded', hosts: 2 });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-forged-'));
    for (const [name, host] of [
      ['web', 'h1'],
      ['peer', 'h2'],
    ] as const)
      await must(
        docker('run', '-d', '--name', name, ...labelled(member(name)), '-e', `constraint:node==${host}`, 'busybox', 'sleep', '3600'),
      );
    address = await addressOf('web');
    written = JSON.parse(await must(cluster.engine('h1', 'inspect', '-f', '{{json .Config.Labels}}', 'web'))) as Labels;
    network = (
      await must(cluster.engine('h1', 'inspect', '-f', '{{range $name, $one := .NetworkSettings.Networks}}{{$name}}{{end}}', 'web'))
    ).trim();
    assert.equal(network, 'abc_default');
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const docker = (...args: string[]) => cluster.docker(...args);
  const member = (service: string): Labels => ({ 'com.docker.compose.project': 'abc', 'com.docker.compose.service': service });
  const labelled = (labels: Labels) => Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
  const addressOf = async (name: string) =>
    (await must(docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name))).trim();
  /** A record as arpanet writes it, which puts `web` at an address of the Internet. */
  const forged = (): Labels => {
    const record = JSON.parse(written['arpanet.record'] ?? '') as { readonly addresses: Labels };
    const addresses = Object.fromEntries(Object.keys(record.addresses).map((id) => [id, '8.8.8.8']));
    return { 'arpanet.record': JSON.stringify({ ...record, number: 2, addresses }), 'arpanet.instance': '2.web.abc' };
  };

  /** `web` is one container at its address, for clients, names and counts; nothing waits for anything. */
  async function isAsBefore(): Promise<void> {
    // compares all records with all containers
    await must(cluster.arpanet('audit', '--fix'));
    const { stdout } = await docker('exec', 'peer', 'nslookup', 'web.abc.service.consul');
    const answers = [
      ...stdout
        .split(/Name:/)
        .slice(1)
        .join('')
        .matchAll(/Address(?: \d+)?:\s*(\d+\.\d+\.\d+\.\d+)/g),
    ].map(([, ip]) => ip);
    assert.deepEqual(answers, [address], stdout);
    const services = await operator<{ service: string; desired: number; instances: unknown[] }[]>(cluster, 'services');
    const web = services.find(({ service }) => service === 'web');
    assert.deepEqual([web?.desired, web?.instances.length], [1, 1]);
    const names = await operator<{ id: string }[]>(cluster, 'names');
    assert.deepEqual(names.map(({ id }) => id).sort(), ['1.peer.abc', '1.web.abc']);
    const networks = await operator<{ leases: { kind: string; state: string }[] }[]>(cluster, 'networks');
    const leases = networks.flatMap((one) => one.leases).filter(({ kind, state }) => kind === 'instance' && state !== 'resting');
    assert.equal(leases.length, 2);
  }
  /** A name follows a start within milliseconds, after its answer. */
  const named = (...ids: readonly string[]) =>
    until(`these are named: ${ids.join()}`, async () => {
      const found = (await operator<{ id: string }[]>(cluster, 'names')).map(({ id }) => id).sort();
      return found.join() === ids.join() || Promise.reject(new Error(found.join()));
    });
  const notes = async () => (await operator<{ notes: readonly string[] }>(cluster, 'status')).notes.join('\n');
  const unproven = (name: string) =>
    until(`status names ${name}`, async () => new RegExp(`container ${name} on host h\\d has `).test(await notes()));

  it('of a Dockerfile do not count while a step of its build runs; the image runs under its own name, with a warning', async () => {
    const lines = Object.entries(forged()).map(([name, value]) => `LABEL ${name}=${JSON.stringify(value)}`);
    writeFileSync(join(scratch, 'Dockerfile'), ['FROM busybox', ...lines, 'RUN sleep 600', ''].join('\n'));
    const env = { ...process.env, DOCKER_HOST: cluster.endpoint, DOCKER_BUILDKIT: '0' };
    const build = spawn('docker', ['build', '--label', 'arpanet.mac=x', scratch], { env, stdio: 'ignore' });
    const ended = once(build, 'exit');
    const step = async () =>
      (await must(docker('ps', '--no-trunc', '--format', '{{.Names}} {{.Command}}')))
        .split('\n')
        .find((line) => line.includes('sleep 600'));
    const [name = ''] = (await until('the step runs', step)).split(' ');
    await unproven(name);
    await isAsBefore();
    await must(docker('rm', '-f', name));
    await ended;
    writeFileSync(join(scratch, 'Dockerfile'), ['FROM busybox', ...lines, ''].join('\n'));
    const { stdout } = await docker('build', '-q', '-t', 'forged', scratch);
    assert.match(stdout, /sha256:/);
    const ran = await docker('run', '-d', '--name', 'other', ...labelled({ 'arpanet.deployment': 'xyz' }), 'forged', 'sleep', '3600');
    assert.match(ran.stderr, /WARNING: image forged: only arpanet writes the labels arpanet\.instance, arpanet\.record: left out/);
    await named('1.other.xyz', '1.peer.abc', '1.web.abc');
    await must(docker('rm', '-f', 'other'));
    await isAsBefore();
  });

  it('of a request are left out with a warning, and the right ones written: a container is recreated from its inspect', async () => {
    const carried = { ...written, 'arpanet.host': 'h9', 'com.docker.compose.service': 'copy' };
    const ran = await docker('run', '-d', '--name', 'copy', ...labelled(carried), 'busybox', 'sleep', '3600');
    assert.match(ran.stderr, /WARNING: only arpanet writes the labels arpanet\.host, .*arpanet\.record, arpanet\.request: left out/);
    assert.notEqual(await addressOf('copy'), address);
    await named('1.copy.abc', '1.peer.abc', '1.web.abc');
    await must(docker('rm', '-f', 'copy'));
    const service = [
      'service',
      'create',
      '-d',
      '--name',
      'solo',
      '--stop-grace-period',
      '1s',
      '--container-label',
      `arpanet.record=${written['arpanet.record'] ?? ''}`,
    ];
    assert.match((await docker(...service, 'busybox', 'sleep', '3600')).stderr, /only arpanet writes the label arpanet\.record: left out/);
    const solo = async () =>
      (await operator<{ service: string; running: number }[]>(cluster, 'services')).find((one) => one.service === 'solo');
    await until('it runs', async () => (await solo())?.running === 1);
    const updated = await cluster.arpanet('update', 'solo', '--image', 'busybox:latest');
    assert.match(updated.stdout + updated.stderr, /its instances are up to date/, 'its template has no such label either');
    await must(docker('service', 'rm', 'solo'));
    await until('it is gone', async () => (await must(docker('ps', '-aq', '--filter', 'name=solo'))) === '');
    await isAsBefore();
  });

  it('on a host’s own Engine do not count: forged, or copied with a MAC that is right, on other facts', async () => {
    const makes: readonly (readonly [host: string, name: string, labels: Labels, more: readonly string[]])[] = [
      ['h1', 'invented', forged(), []],
      ['h1', 'alone', written, []],
      ['h1', 'neighbour', written, ['--network', network, '--ip', address.replace(/\d+$/, '250')]],
      ['h2', 'far', written, ['--network', network, '--ip', address]],
    ];
    for (const [host, name, labels, more] of makes)
      await must(cluster.engine(host, 'run', '-d', '--name', name, ...labelled(labels), ...more, 'busybox', 'sleep', '3600'));
    for (const [, name] of makes) await unproven(name);
    await isAsBefore();
    assert.match(await must(docker('ps', '--format', '{{.Names}}')), /far/, 'they are listed');
    await must(docker('rm', '-f', ...makes.map(([, name]) => name)));
    await isAsBefore();
  });

  it('are not needed for an address of a later connect: its endpoint has a MAC on the Engine, which clients do not see', async () => {
    const options = '{{json (index .NetworkSettings.Networks "abc_default").DriverOpts}}';
    for (const [name, host] of [
      ['web', 'h1'],
      ['peer', 'h2'],
    ] as const) {
      await must(docker('network', 'disconnect', network, name));
      await must(docker('network', 'connect', network, name));
      await must(docker('restart', '-t', '0', name));
      assert.match(await must(cluster.engine(host, 'inspect', '-f', options, name)), /"arpanet\.mac":"[\w-]{43}"/);
      assert.ok(!(await must(docker('inspect', name))).includes('arpanet.mac'));
    }
  });
});
