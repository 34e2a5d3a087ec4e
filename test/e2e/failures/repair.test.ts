/** What a person's hand, a restart or the loss of a host leaves behind is put right; `arpanet audit` names it, and then finds nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, endProcess, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { type NetworkReport, operator } from '../../support/cluster/leftovers.ts';

interface Report {
  readonly findings: readonly { readonly where: string; readonly what: string }[];
}

describe('repair', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ store: 'consul', hosts: 2, mixed: false });
    for (const [name, host] of [
      ['one', 'h1'],
      ['two', 'h2'],
    ] as const) {
      const where = ['-e', `constraint:node==${host}`, '--restart', 'always', '--stop-timeout', '1'];
      await must(cluster.docker('run', '-d', '--name', name, '--label', 'arpanet.service=pair', ...where, 'busybox', 'sleep', '10000'));
    }
    await agrees();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const audit = () => operator<Report>(cluster, 'audit');
  /** Nothing is found, within `ms`. */
  const agrees = (ms = 20_000) =>
    until(
      'an audit finds nothing',
      async () => {
        const { findings } = await audit();
        if (findings.length > 0) throw new Error(JSON.stringify(findings));
        return true;
      },
      ms,
    );
  const address = async (name: string) =>
    (await must(cluster.docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name))).trim();
  const reaches = async (from: string, ip: string) => (await cluster.docker('exec', from, 'ping', '-c', '1', '-W', '1', ip)).code === 0;
  const resolved = async (from: string) => {
    const { stdout } = await cluster.docker('exec', from, 'nslookup', 'pair.default.service.consul');
    return [
      ...stdout
        .split(/Name:/)
        .slice(1)
        .join('')
        .matchAll(/Address(?: \d+)?:\s*(\d+\.\d+\.\d+\.\d+)/g),
    ]
      .map((m) => m[1] ?? '')
      .sort();
  };
  const kv = async (path: string, init?: RequestInit) => (await fetch(`http://${cluster.consul?.http}/v1/${path}`, init)).text();
  const host = (name: string) => cluster.lab.hosts.find((one) => one.name === name) ?? assert.fail();
  const ip = (name: string, ...args: string[]) => must(runProgram('ip', ['-n', host(name).namespace, ...args]));
  const devices = async (name: string, kind: 'arv' | 'arp') =>
    [...(await ip(name, '-o', 'link', 'show')).matchAll(/^\d+: (ar[vp][0-9a-f]{6})[:@]/gm)]
      .map((m) => m[1] ?? '')
      .filter((device) => device.startsWith(kind));
  const network = async () => (await operator<NetworkReport[]>(cluster, 'networks'))[0] ?? assert.fail();

  it('what a hand changes in the store is undone at once; audit names what it changed in the catalog and the kernel, and --fix repairs it', async () => {
    const lease = `kv/arpanet/leases/${(await network()).id}/${await address('one')}`;
    for (const key of [lease, 'kv/arpanet/containers/one']) {
      assert.notEqual(await kv(`${key}?raw`), '', key);
      for (const meddle of [{ method: 'DELETE' }, { method: 'PUT', body: '{"name":"forged"}' }]) {
        await kv(key, meddle);
        await until(`${key} is as it was`, async () => !['', '{"name":"forged"}'].includes(await kv(`${key}?raw`)));
      }
    }
    const hands: readonly (readonly [RegExp, () => Promise<unknown>])[] = [
      [
        /pair.* on arpanet-h2 is missing/,
        async () => {
          const { Services } = JSON.parse(await kv('catalog/node/arpanet-h2')) as { Services: Record<string, { ID: string }> };
          for (const { ID } of Object.values(Services))
            await kv('catalog/deregister', { method: 'PUT', body: JSON.stringify({ Node: 'arpanet-h2', ServiceID: ID }) });
        },
      ],
      [
        /forged.* on arpanet-h1 should not exist/,
        () =>
          kv('catalog/register', {
            method: 'PUT',
            body: JSON.stringify({ Node: 'arpanet-h1', Address: host('h1').address, Service: { ID: 'forged', Service: 'forged' } }),
          }),
      ],
      [
        /no VXLAN device/,
        async () => {
          // Gone already when the audit before this one was too slow to say so.
          for (const device of await devices('h1', 'arv')) await ip('h1', 'link', 'del', device);
        },
      ],
    ];
    for (const [named, meddle] of hands) {
      // The reconcilers may be faster than we: then it is done again.
      for (let tries = 1; ; tries++) {
        await meddle();
        const { code, stdout } = await cluster.arpanet('audit');
        if (code === 1 && named.test(stdout)) break;
        assert.ok(tries < 20, `${named}: ${stdout}`);
      }
      await until('an audit --fix repairs it', async () => {
        const fixed = await cluster.arpanet('audit', '--fix');
        return fixed.code === 0 || Promise.reject(new Error(fixed.stdout));
      });
    }
    await agrees();
    assert.match(await must(cluster.arpanet('audit')), /no differences/);
    await until('they reach each other', async () => reaches('one', await address('two')));
  });

  it('a container removed on the Engine itself, and one left over from a create: nothing is left of either; a forged one is a stranger', async () => {
    await must(cluster.docker('run', '-d', '--name', 'gone', '-e', 'constraint:node==h2', 'busybox', 'sleep', '1000'));
    await must(cluster.engine('h2', 'rm', '-f', 'gone'));
    await must(cluster.docker('create', '--name', 'stray', '-e', 'constraint:node==h1', 'busybox', 'true'));
    const written = await must(cluster.engine('h1', 'inspect', '-f', '{{json .Config.Labels}}', 'stray'));
    await must(cluster.docker('rm', 'stray'));
    const record = JSON.stringify({ deployment: 'default', service: 'x', number: 1, addresses: {}, aliases: {}, links: [] });
    const labelled = (labels: Readonly<Record<string, string>>) =>
      Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
    const make = (name: string, labels: Readonly<Record<string, string>>) =>
      must(cluster.engine('h1', 'create', '--name', name, ...labelled(labels), 'busybox', 'true'));
    await make('forged', { 'arpanet.record': record });
    await make('stray', JSON.parse(written) as Record<string, string>);
    await until('the stray is gone', async () => (await cluster.engine('h1', 'inspect', 'stray')).code !== 0);
    await agrees();
    assert.equal((await cluster.docker('inspect', 'gone')).code, 1);
    assert.match(await must(cluster.arpanet('status')), /container forged on host h1 has labels that this cluster did not write/);
    await must(cluster.docker('rm', 'forged'));
    assert.equal(await kv('kv/arpanet/containers/gone?raw'), '');
  });

  it('a network whose bridge and VXLAN device were deleted is built again under its containers', async () => {
    await ip('h2', 'link', 'del', (await devices('h2', 'arv'))[0] ?? '');
    await until('it is back', async () => reaches('one', await address('two')), 15_000);
    await agrees();
  });

  it('a network removed on the Engine under its containers: they join it again with their addresses', async () => {
    const before = await address('two');
    const { name } = await network();
    await must(cluster.engine('h2', 'network', 'disconnect', '-f', name, 'two'));
    await must(cluster.engine('h2', 'network', 'rm', name));
    await until('the audit names it', async () => /container two runs without its address/.test((await cluster.arpanet('audit')).stdout));
    await until('an audit --fix repairs it', async () => (await cluster.arpanet('audit', '--fix')).code === 0, 40_000);
    assert.equal(await address('two'), before);
    await until('it is reached and named', async () => (await reaches('one', before)) && (await resolved('one')).length === 2);
  });

  /** Runs the fault; then names, overlay and addresses are as they were within five seconds of the Engine's answering. */
  async function survives(fault: () => Promise<unknown>): Promise<void> {
    const before = [await address('one'), await address('two')];
    await fault();
    await until(
      'both run',
      async () => (await must(cluster.docker('ps', '-q', '--filter', 'name=one', '--filter', 'name=two'))).trim().split('\n').length === 2,
    );
    await until(
      'names and overlay are back',
      async () => (await reaches('one', before[1] ?? '')) && (await resolved('one')).length === 2,
      5_000,
    );
    assert.deepEqual([await address('one'), await address('two')], before);
    assert.deepEqual(await resolved('one'), before.sort());
    await agrees();
  }

  it('an agent killed and started again: nothing changes', async () => {
    await survives(async () => {
      cluster.agents.get('h2')?.kill('SIGKILL');
      await cluster.startAgent('h2');
    });
  });

  it('an Engine killed and started again: addresses stay, overlay and names are back within 5 s', async () => {
    await survives(async () => {
      await cluster.lab.stopEngine(host('h2'), 'SIGKILL');
      await cluster.lab.startEngine(host('h2'));
    });
  });

  it('a host rebooted: Engine, agent, bridges and devices all gone; addresses stay, overlay and names are back within 5 s', async () => {
    await survives(async () => {
      const agent = cluster.agents.get('h2');
      if (agent !== undefined) await endProcess(agent);
      await cluster.lab.stopEngine(host('h2'));
      for (const device of [...(await devices('h2', 'arv')), ...(await devices('h2', 'arp'))]) await ip('h2', 'link', 'del', device);
      await cluster.lab.startEngine(host('h2'));
      await cluster.startAgent('h2');
    });
  });

  it('a host cut off: its names leave DNS and catalog within 12 s, its containers are listed; they return with it, nothing doubled', async () => {
    const before = [await address('one'), await address('two')];
    const inCatalog = async () =>
      (JSON.parse(await kv('catalog/service/pair.default')) as { ServiceAddress: string }[]).map((one) => one.ServiceAddress).sort();
    const sinceMs = Date.now();
    await cluster.lab.cut(host('h2'));
    await until(
      'its names are gone',
      async () => (await resolved('one')).join() === before[0] && (await inCatalog()).join() === before[0],
      14_000,
    );
    assert.ok(Date.now() - sinceMs > 2_000, 'a short silence costs nothing');
    const row = () => must(cluster.docker('ps', '-a', '--filter', 'name=two', '--format', '{{.Status}}'));
    await until('its host is called down', async () => (await row()).includes('Host down'));
    await cluster.lab.heal(host('h2'));
    await until(
      'its names are back',
      async () => (await resolved('one')).join() === [...before].sort().join() && (await inCatalog()).length === 2,
    );
    assert.deepEqual([await address('one'), await address('two')], before);
    await agrees();
  });

  it('networks keep to what their hosts are now: the least MTU of all, and routes that came after a host joined', async () => {
    const route = '10.46.0.0/24';
    const [link = ''] =
      /(?<=: )[^:@]+(?=[:@][^\n]*\n[^\n]*inet 10\.77\.)/.exec((await ip('h2', 'address')).replace(/\n {4}link[^\n]*/g, '')) ?? [];
    await ip('h2', 'link', 'set', link, 'mtu', '1400');
    await ip('h2', 'route', 'add', route, 'dev', link);
    const agent = cluster.agents.get('h2');
    if (agent !== undefined) await endProcess(agent);
    await cluster.startAgent('h2');
    const onHost2 = ['-e', 'constraint:node==h2', '--network', 'none', 'busybox', 'true'];
    await until('h2 is back', async () => (await cluster.docker('run', '--rm', ...onHost2)).code === 0);
    // Those that run keep their network, and their Engine its MTU: each host lowers that of the running containers, and of one that starts again.
    const large = async (from: string, to: string) =>
      (await cluster.docker('exec', from, 'ping', '-c', '1', '-W', '1', '-s', '1400', await address(to))).code === 0;
    const narrowed = async () => (await large('one', 'two')) && (await large('two', 'one'));
    await until('large packets pass between those that run', narrowed, 30_000);
    assert.match(await must(cluster.docker('exec', 'one', 'ip', 'link', 'show', 'eth0')), /mtu 1350/);
    const serve = 'mkdir -p /srv && dd if=/dev/zero of=/srv/large bs=1M count=8 2>/dev/null && httpd -p 9000 -h /srv';
    await must(cluster.docker('exec', 'two', 'sh', '-c', serve));
    const fetched = `wget -qO- http://${await address('two')}:9000/large | wc -c`;
    const all = async () => (await cluster.docker('exec', 'one', 'sh', '-c', fetched)).stdout.trim() === String(8 << 20);
    await until('all of a large transfer arrives', all, 60_000);
    await must(cluster.docker('restart', 'one'));
    await until('and after a restart', narrowed, 30_000);
    await must(cluster.docker('network', 'create', 'narrow'));
    for (const name of ['h1', 'h2']) {
      const where = ['-e', `constraint:node==${name}`, '--network', 'narrow', '--stop-timeout', '0'];
      await must(cluster.docker('run', '-d', '--name', `narrow-${name}`, ...where, 'busybox', 'sleep', '600'));
    }
    const to = await address('narrow-h2');
    const first = ['exec', 'narrow-h1', 'ping', '-c', '1', '-W', '5', '-s', '1400', to];
    await until('large packets pass on a network that is made now', async () => (await cluster.docker(...first)).code === 0);
    assert.match(await must(cluster.docker('exec', 'narrow-h1', 'ip', 'link', 'show', 'eth0')), /mtu 1350/);
    const later = '10.47.0.0/24';
    await ip('h1', 'route', 'add', later, 'dev', 'lo');
    for (const subnet of [route, later])
      await until(`${subnet} is refused`, async () => {
        const { code, stderr } = await cluster.docker('network', 'create', '--subnet', subnet, 'routed');
        if (code === 0) await must(cluster.docker('network', 'rm', 'routed'));
        return /Pool overlaps .* which a host routes already/.test(stderr);
      });
  });
});
