import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergeDiskUsage } from '../../../src/docker-api/system/disk-usage.ts';
import { createReads } from '../../../src/docker-api/reads/index.ts';
import { infoAt } from '../../../src/docker-api/system/info.ts';
import { showVersion } from '../../../src/docker-api/system/version.ts';
import type { HostView } from '../../../src/model/index.ts';
import { literalCluster, literalContainer, literalHost, literalImage } from '../../support/fakes/literal-cluster.ts';

type Row = Readonly<Record<string, unknown>>;

const hosts: readonly HostView[] = [
  literalHost('h1', { images: [literalImage('sha256:1', ['a:1'])] }),
  withInfo(literalHost('h2', { apiVersion: '1.45', images: [literalImage('sha256:1', ['a:1']), literalImage('sha256:2', null)] }), {
    SwapLimit: false,
    Plugins: { Volume: ['local', 'nfs'], Log: ['syslog'] },
    Warnings: ['WARNING: No swap limit support'],
    KernelVersion: '6.2',
  }),
  literalHost('h3', { state: 'down', why: 'no heartbeat for 10 s', load: undefined }),
];
const paused = { Paused: true, Status: 'paused' };
const exited = { Running: false, Status: 'exited' };
const reserving = (text: string) => ({ labels: { 'arpanet.reserve': text } });
const containers = [
  literalContainer({
    id: '1',
    name: 'a',
    inspect: { HostConfig: { NanoCpus: 4e9, Memory: 2 ** 29, MemoryReservation: 2 ** 28 } },
    ...reserving('cpus=0.5'),
  }),
  literalContainer({ id: '2', name: 'b', state: paused, ...reserving('cpus=0.5') }),
  literalContainer({ id: '3', name: 'c', state: exited, ...reserving('cpus=4,memory=1g') }),
  literalContainer({ id: '4', name: 'd', host: 'h2' }),
];

function withInfo(host: HostView, info: Row): HostView {
  return { ...host, facts: host.facts === undefined ? undefined : { ...host.facts, info: { ...host.facts.info, ...info } } };
}

describe('GET /info', () => {
  const ask = async (known: readonly HostView[]): Promise<Row> => {
    const reads = createReads(literalCluster({ hosts: { list: () => known }, containers: { list: () => containers } }), {
      now: () => 0,
      version: '0.1.0',
    });
    return JSON.parse((await reads.info(new URLSearchParams(), {}, '1.41')).body.toString()) as Row;
  };

  it('sums the hosts that are alive', async () => {
    const info = await ask(hosts);
    const counted = ['Containers', 'ContainersRunning', 'ContainersPaused', 'ContainersStopped', 'Images', 'NCPU', 'MemTotal'];
    assert.deepEqual(
      counted.map((name) => info[name]),
      [4, 2, 1, 1, 2, 8, 2 ** 31],
    );
    assert.deepEqual([info['Name'], info['ID'], info['ServerVersion'], info['Driver']], ['s1', 'c1', 'arpanet/0.1.0', 'overlay2']);
    assert.equal(info['SwapLimit'], false);
    assert.deepEqual(info['Plugins'], { Volume: ['local', 'nfs'], Network: [], Authorization: null, Log: ['syslog'] });
    assert.equal((info['Swarm'] as Row)['LocalNodeState'], 'active');
  });

  it('has a line for each host with what its containers reserve, which limits do not, where the CLI prints the status of the storage driver', async () => {
    assert.deepEqual((await ask(hosts))['DriverStatus'], [
      ['Leader', 's1 (epoch 3)'],
      ['Schedulers', 's1, s2'],
      ['Strategy', 'spread'],
      ['Hosts', '3 (2 alive)'],
      [
        ' h1',
        '10.0.0.1 · alive · engine 20.10.24 (API 1.41) · containers 3 · cpus 1/4 reserved · memory 256MiB/1GiB reserved · load 25%, 256MiB used · labels disk=ssd',
      ],
      [
        ' h2',
        '10.0.0.1 · alive · engine 20.10.24 (API 1.45) · containers 1 · cpus 0/4 reserved · memory 0B/1GiB reserved · load 25%, 256MiB used · labels disk=ssd',
      ],
      [
        ' h3',
        '10.0.0.1 · down: no heartbeat for 10 s · engine 20.10.24 (API 1.41) · containers 0 · cpus 0/4 reserved · memory 0B/1GiB reserved · labels disk=ssd',
      ],
    ]);
  });

  it('warns of what is not so everywhere, and of hosts that are down', async () => {
    assert.deepEqual((await ask(hosts))['Warnings'], [
      'WARNING: No swap limit support (host h2)',
      'WARNING: Host h3 is down: no heartbeat for 10 s',
    ]);
    assert.equal((await ask([literalHost('h1')]))['Warnings'], null);
  });

  it('answers before any host has joined', async () => {
    const info = await ask([]);
    assert.deepEqual([info['NCPU'], info['OSType'], info['Driver']], [0, 'linux', '']);
  });
});

describe('GET /info of an older API', () => {
  const info = {
    KernelMemoryTCP: true,
    SecurityOptions: ['name=seccomp,profile=default', 'name=rootless'],
    Runtimes: { runc: { path: 'runc', status: { features: '…' } } },
  };
  const at = (minor: number) => JSON.parse(JSON.stringify(infoAt(info, minor))) as Record<string, unknown>;

  it('has the fields that its clients read, and none that came later', () => {
    assert.deepEqual(at(44), info);
    assert.deepEqual(at(43)['Runtimes'], { runc: { path: 'runc' } });
    assert.deepEqual([at(42)['KernelMemory'], at(41)['KernelMemory']], [undefined, true]);
    assert.equal(at(25)['ExecutionDriver'], undefined);
    assert.deepEqual([at(24)['ExecutionDriver'], at(24)['SecurityOptions']], ['<not supported>', ['seccomp', 'rootless']]);
  });
});

describe('GET /version', () => {
  it('is the oldest Engine with the API that all alive hosts speak, and names each', () => {
    const version = showVersion(hosts, '0.1.0');
    assert.deepEqual([version['Version'], version['ApiVersion'], version['MinAPIVersion']], ['20.10.24', '1.41', '1.24']);
    assert.deepEqual(version['Platform'], { Name: 'arpanet 0.1.0' });
    const components = version['Components'] as readonly { Name: string; Version: string; Details: Row }[];
    assert.deepEqual(
      components.map((one) => `${one.Name} ${one.Version}`),
      ['Engine 20.10.24', 'arpanet 0.1.0', 'Engine of h1 20.10.24', 'Engine of h2 20.10.24'],
    );
    assert.equal(components[0]?.Details['GoVersion'], 'go1.19.8');
    // the CLI prints details as text: everything in them is text
    for (const { Details } of components) for (const detail of Object.values(Details)) assert.equal(typeof detail, 'string');
  });

  it('has a version to be parsed while no host is known', () => {
    assert.equal(showVersion([], '0.1.0')['Version'], '0.1.0');
  });
});

describe('GET /system/df', () => {
  const image = (containersOfIt: number) => literalImage('sha256:1', ['a:1'], { Containers: containersOfIt });
  const usage = (size: number, count: number) => ({
    LayersSize: size,
    Images: [image(count)],
    Containers: null,
    Volumes: [],
    BuildCache: [{ ID: `${size}` }],
  });

  it('is the sum over the hosts, an image once with the containers of all', () => {
    assert.deepEqual(
      mergeDiskUsage([usage(10, 2), usage(20, 1)], (one) => one),
      { LayersSize: 30, Images: [image(3)], Containers: null, Volumes: [], BuildCache: [{ ID: '10' }, { ID: '20' }] },
    );
  });

  it('has only the kinds that were asked for, null where every Engine says null', () => {
    assert.deepEqual(
      mergeDiskUsage([{ LayersSize: 1, Images: null }], (one) => one),
      { LayersSize: 1, Images: null },
    );
  });
});
