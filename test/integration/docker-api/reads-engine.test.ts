/** The endpoint's lists beside an Engine's own: containers in many states, asked of both with every filter, on 20.10 and on 26.1. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ClusterNetwork, ContainerView } from '../../../src/model/index.ts';
import { createReads, type Reads } from '../../../src/docker-api/reads/index.ts';
import { engineRequest } from '../../../src/engine/index.ts';
import { type LocalHosts, provideImages, reapStale, startLocalHosts } from '../../../src/local-hosts/index.ts';
import { ArpanetError, type ContainerSummary } from '../../../src/model/index.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { imageFilters, networkFilters, volumeFilters } from '../../support/fakes/list-filters.ts';
import { imageCache, labBase, tools } from '../../support/cluster/paths.ts';
import { plainCluster } from '../../support/cluster/plain-cluster.ts';

const run = promisify(execFile);

type Answer = { readonly status: number; readonly value: unknown };
type Row = Record<string, unknown> & { readonly Id: string; readonly Name: string };

interface Bench {
  readonly reads: Reads;
  readonly docker: (...args: readonly string[]) => Promise<string>;
  readonly engine: (path: string) => Promise<Answer>;
  readonly ours: (kind: 'containerList' | 'imageList' | 'networkList' | 'volumeList', search: string, api?: string) => Promise<Answer>;
  readonly api: string;
}

const query = (filters: Record<string, readonly string[]>, more = 'all=1') =>
  `?${more}&filters=${encodeURIComponent(JSON.stringify(filters))}`;

describe('lists beside the Engine', { timeout: 600_000 }, () => {
  let hosts: LocalHosts;
  const over = new AbortController();
  const benches: Bench[] = [];

  before(async () => {
    await reapStale(labBase);
    hosts = await startLocalHosts({
      dir: join(labBase, randomBytes(4).toString('hex')),
      count: 2,
      enginePath: (index) => (index === 1 ? tools.engine26() : []),
      nat: false,
      keep: false,
      log: quietLog,
    });
    const sockets = hosts.hosts.map((host) => host.socket);
    await provideImages(sockets, imageCache);
    for (const socket of sockets) benches.push(await bench(socket, over.signal));
  });

  after(async () => {
    over.abort();
    await hosts[Symbol.asyncDispose]();
  });

  it('lists containers as the Engine does, for every filter and their combinations', async () => {
    for (const { engine, ours, docker } of benches) {
      const id = (await docker('inspect', '-f', '{{.Id}}', 'web')).trim();
      const netId = (await docker('network', 'inspect', '-f', '{{.Id}}', 'front')).trim();
      const image = (await docker('inspect', '-f', '{{.Image}}', 'web')).trim();
      const searches = [
        '',
        '?all=1',
        '?all=0',
        '?all=true',
        '?limit=3',
        '?limit=3&all=1',
        '?limit=-1',
        '?all=no',
        ...['running', 'paused', 'exited', 'created', 'dead', 'removing', 'restarting'].map((status) => query({ status: [status] }, '')),
        query({ status: ['exited', 'paused'] }, ''),
        ...['web', '^web$', '^/web$', 'w.b', 'web|quiet', '(?i)WEB', '[', '', 'zzz', '^w[[:alpha:]]b$'].map((name) =>
          query({ name: [name] }),
        ),
        ...[id, id.slice(0, 12), id.slice(0, 1), 'zzzz'].map((one) => query({ id: [one] })),
        query({ id: [id], name: ['quiet'] }),
        ...['tier', 'tier=front', 'tier=back', 'tier=', 'none'].map((label) => query({ label: [label] })),
        query({ label: ['tier=front', 'side'] }),
        ...['0', '3', '137', '7'].map((code) => query({ exited: [code] })),
        query({ exited: ['3', '137'] }),
        ...['none', 'starting', 'healthy', 'unhealthy'].map((health) => query({ health: [health] })),
        ...['front', netId, netId.slice(0, 5), 'bridge', 'host', 'none', 'nowhere'].map((network) => query({ network: [network] })),
        ...['data', '/data', '/tmp', '/host', '/nowhere'].map((volume) => query({ volume: [volume] })),
        ...['8080', '8080/tcp', '8080/udp', '5353/udp', '8000-9000', '1-2'].map((publish) => query({ publish: [publish] })),
        ...['80', '99/tcp', '53/udp', '90-100'].map((expose) => query({ expose: [expose] })),
        query({ publish: ['8080'], expose: ['99'] }),
        ...['busybox', 'busybox:latest', image, image.slice(7, 19), 'child', 'nothing'].map((ancestor) => query({ ancestor: [ancestor] })),
        ...['true', 'false'].map((task) => query({ 'is-task': [task] })),
        query({ before: ['web'] }),
        query({ since: ['web'] }),
        query({ since: ['web'] }, ''),
        query({ since: ['web'], before: ['quiet'] }),
        query({ before: ['web'], since: ['quiet'] }),
        query({ before: [id] }),
        query({ since: ['web'] }, 'limit=2'),
        query({ label: ['tier'], status: ['running'], network: ['front'] }),
        '?filters=%7B%22status%22%3A%7B%22paused%22%3Atrue%7D%7D',
        '?filters=',
        '?filters=%7B%7D',
      ];
      /** The first row whose status the Engine gave neither before nor after. */
      const otherStatus = async (search: string): Promise<string | undefined> => {
        const earlier = await engine(`/containers/json${search}`);
        const shown = await ours('containerList', search);
        const later = await engine(`/containers/json${search}`);
        assert.equal(shown.status, earlier.status, search);
        const oursRows = (shown.value as ContainerSummary[]).map(withoutTime);
        assert.deepEqual(oursRows, (earlier.value as ContainerSummary[]).map(withoutTime), search);
        const texts = [earlier, later].map((answer) => (answer.value as ContainerSummary[]).map((one) => one.Status));
        const odd = (shown.value as ContainerSummary[]).findIndex((one, i) => !texts.some((text) => text[i] === one.Status));
        const { Names, Status } = (shown.value as ContainerSummary[])[odd] ?? {};
        return odd < 0 ? undefined : `${Names?.[0]}: "${Status}", the Engine: "${texts[0]?.[odd]}", then "${texts[1]?.[odd]}"`;
      };
      for (const search of searches) {
        // on a busy machine two seconds may pass between the two
        let odd = await otherStatus(search);
        for (let tries = 5; tries > 0 && odd !== undefined; tries--) odd = await otherStatus(search);
        assert.equal(odd, undefined);
      }
    }
  });

  it('refuses what the Engine refuses, in the words of 26.1', async () => {
    for (const { engine, ours, api } of benches) {
      const cases = [
        ['containerList', '/containers/json', query({ foo: ['a'] })],
        ['containerList', '/containers/json', query({ status: ['zz'] })],
        ['containerList', '/containers/json', query({ health: ['zz'] })],
        ['containerList', '/containers/json', query({ 'is-task': ['a'] })],
        ['containerList', '/containers/json', query({ publish: ['a:b'] })],
        ['containerList', '/containers/json', query({ publish: ['abc'] })],
        ['containerList', '/containers/json', query({ expose: ['90-80'] })],
        ['containerList', '/containers/json', '?limit=x'],
        ['imageList', '/images/json', query({ foo: ['a'] })],
        ['imageList', '/images/json', query({ dangling: ['a'] })],
        ['imageList', '/images/json', query({ before: ['nope'] })],
        ['imageList', '/images/json', query({ reference: ['['] })],
        ['networkList', '/networks', query({ foo: ['a'] })],
        ['networkList', '/networks', query({ type: ['a'] })],
        ['networkList', '/networks', query({ dangling: ['a'] })],
        ['networkList', '/networks', query({ dangling: ['true', 'false'] })],
        ['volumeList', '/volumes', query({ foo: ['a'] })],
        ['volumeList', '/volumes', query({ dangling: ['a'] })],
        // 20.10 answers these with 500
        ...(api === '1.41'
          ? []
          : ([
              ['containerList', '/containers/json', '?filters=x'],
              ['containerList', '/containers/json', query({ before: ['nope'] })],
              ['containerList', '/containers/json', query({ exited: ['a'] })],
              ['imageList', '/images/json', query({ until: ['zz'] })],
            ] as const)),
      ] as const;
      for (const [kind, path, search] of cases) {
        const theirs = await engine(`${path}${search}`);
        const shown = await ours(kind, search);
        assert.equal(shown.status, theirs.status, `${path}${search}`);
        if (api !== '1.41') assert.deepEqual(shown.value, theirs.value, `${path}${search}`);
      }
    }
  });

  it('lists images, networks and volumes as the Engine does', async () => {
    for (const { engine, ours, api } of benches) {
      for (const filters of imageFilters) {
        for (const all of ['', 'all=1']) {
          for (const version of api === '1.41' ? ['1.41', '1.30'] : ['1.45', '1.43', '1.42', '1.41']) {
            const search = query(filters, all);
            const theirs = (await engine(`/v${version}/images/json${search}`)).value as Row[];
            const shown = (await ours('imageList', search, version)).value as Row[];
            const plain = (rows: readonly Row[]) => rows.map((row) => ({ ...row, RepoDigests: row['RepoDigests'] ?? [] })).sort(byId);
            assert.deepEqual(plain(shown), plain(theirs), `${version} ${search}`);
          }
        }
      }
      for (const filters of networkFilters) {
        const names = async (answer: Promise<Answer>) => ((await answer).value as Row[]).map((row) => row.Name).sort();
        assert.deepEqual(
          await names(ours('networkList', query(filters))),
          await names(engine(`/networks${query(filters)}`)),
          query(filters),
        );
      }
      for (const filters of volumeFilters) {
        const rows = async (answer: Promise<Answer>) =>
          (((await answer).value as { Volumes: Row[] | null }).Volumes ?? []).toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
        assert.deepEqual(await rows(ours('volumeList', query(filters))), await rows(engine(`/volumes${query(filters)}`)), query(filters));
      }
    }
  });

  it('inspects containers as the Engine does, in each API version', async () => {
    for (const { engine, reads, api } of benches) {
      for (const name of ['web', 'quiet', 'paused', 'hosted', 'linked', 'made']) {
        for (const version of api === '1.41' ? ['1.41', '1.40'] : ['1.45', '1.44', '1.41']) {
          const answer = await reads.containerInspect(new URLSearchParams(), { id: name }, version);
          const shown = JSON.parse(answer?.body.toString() ?? 'null') as Row;
          const theirs = (await engine(`/v${version}/containers/${name}/json`)).value as Row;
          const { Node: _, ...rest } = shown;
          assert.deepEqual(plainInspect(rest), plainInspect(theirs), `${name} ${version}`);
        }
      }
    }
  });

  it('merges sizes and disk usage from the Engine', async () => {
    for (const { engine, reads, ours, api } of benches) {
      const theirs = (await engine('/containers/json?all=1&size=1')).value as Row[];
      const shown = (await ours('containerList', '?all=1&size=1')).value as Row[];
      const sizes = (rows: readonly Row[]) => rows.map((row) => [row.Id, row['SizeRw'], row['SizeRootFs']]);
      assert.deepEqual(sizes(shown), sizes(theirs));
      const merged = await reads.diskUsage(new URLSearchParams(), {}, api);
      const usage = JSON.parse(merged.body.toString()) as Record<string, unknown>;
      const own = (await engine('/system/df')).value as Record<string, unknown>;
      assert.deepEqual(Object.keys(usage).sort(), Object.keys(own).sort());
      assert.equal(usage['LayersSize'], own['LayersSize']);
      assert.deepEqual(new Set(sizes(usage['Containers'] as Row[]).map(String)), new Set(sizes(own['Containers'] as Row[]).map(String)));
    }
  });
});

async function bench(socket: string, signal: AbortSignal): Promise<Bench> {
  const docker = async (...args: readonly string[]) => (await run('docker', ['-H', `unix://${socket}`, ...args])).stdout;
  await docker('network', 'create', '--label', 'net=1', 'front');
  await docker('network', 'create', 'empty');
  await docker('volume', 'create', '--label', 'vol=1', 'data');
  await docker('volume', 'create', '--label', 'vol=2', 'unused');
  await docker('run', '-d', '--name', 'first', 'busybox', 'sleep', '1000');
  await docker('commit', '-c', 'LABEL made=here', 'first', 'child');
  await docker('tag', 'busybox', 'busybox:other');
  await docker('tag', 'busybox', 'moved');
  await docker('create', '--name', 'made', '--network', 'front', 'moved');
  await docker('tag', 'redis', 'moved');
  await docker('commit', 'first');
  const web = [
    '--network',
    'front',
    '--network-alias',
    'w',
    '--label',
    'tier=front',
    '--label',
    'side=left',
    '-p',
    '8080:80',
    '--expose',
    '99',
  ];
  await docker(
    'run',
    '-d',
    '--name',
    'web',
    ...web,
    '--hostname',
    'named',
    '-v',
    'data:/data',
    '-v',
    '/tmp:/host',
    'busybox',
    'sleep',
    '1000',
  );
  await docker('run', '-d', '--name', 'quiet', '--network', 'none', '--label', 'tier=back', 'busybox', 'sleep', '1000');
  await docker('run', '-d', '--name', 'paused', '--network', 'front', '-p', '5353:53/udp', 'child', 'sleep', '1000');
  await docker('pause', 'paused');
  await docker('run', '-d', '--name', 'hosted', '--network', 'host', 'busybox', 'sleep', '1000');
  await docker('run', '-d', '--name', 'shared', '--network', 'container:web', 'busybox', 'sleep', '1000');
  await docker(
    'run',
    '-d',
    '--name',
    'linked',
    '--link',
    'first:f',
    '--dns',
    '1.1.1.1',
    '--add-host',
    'a:1.2.3.4',
    'busybox',
    'sleep',
    '1000',
  );
  const check = ['--health-interval', '200ms', '--health-retries', '1', '--health-cmd'];
  await docker('run', '-d', '--name', 'well', ...check, 'true', 'busybox', 'sleep', '1000');
  await docker('run', '-d', '--name', 'ill', ...check, 'false', 'busybox', 'sleep', '1000');
  await docker('run', '-d', '--name', 'unsure', '--health-interval', '1h', '--health-cmd', 'true', 'busybox', 'sleep', '1000');
  await docker('run', '--name', 'ended', 'busybox', 'true');
  await docker('run', '--name', 'failed', 'busybox', 'sh', '-c', 'exit 3').catch(() => undefined);
  await docker('run', '-d', '--name', 'killed', '-v', '/anonymous', 'busybox', 'sleep', '1000');
  await docker('kill', 'killed');
  await settledHealth(docker, { well: 'healthy', ill: 'unhealthy' });

  const cluster = await plainCluster(socket, 'h1', signal, { networks: await networksOf(socket) });
  const reads = createReads(cluster, { now: Date.now, version: '0.1.0' });
  const api = cluster.hosts.list()[0]?.facts?.apiVersion ?? '';
  return {
    reads,
    docker,
    api,
    engine: async (path) => {
      const { status, body } = await engineRequest({ socketPath: socket }, { method: 'GET', path });
      return { status, value: JSON.parse(body.toString()) as unknown };
    },
    ours: async (kind, search, version = api) => {
      try {
        const answer = await reads[kind](new URLSearchParams(search), {}, version);
        return { status: answer.status, value: JSON.parse(answer.body.toString()) as unknown };
      } catch (error) {
        if (!(error instanceof ArpanetError)) throw error;
        const status = error.engineStatus ?? { invalid: 400, 'not-found': 404 }[error.kind as 'invalid'] ?? 500;
        return { status, value: { message: error.message } };
      }
    },
  };
}

async function settledHealth(docker: Bench['docker'], wanted: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, health] of Object.entries(wanted)) {
    for (let tries = 0; (await docker('inspect', '-f', '{{.State.Health.Status}}', name)).trim() !== health; tries++) {
      assert.ok(tries < 600, `${name} did not become ${health}`);
      await sleep(100);
    }
  }
}

/** The Engine's own user-defined networks as if they were the cluster's, with all images, intermediate ones too. */
async function networksOf(socket: string): Promise<(containers: readonly ContainerView[]) => readonly ClusterNetwork[]> {
  const { body } = await engineRequest({ socketPath: socket }, { method: 'GET', path: '/networks' });
  const own = (JSON.parse(body.toString()) as { Name: string; Id: string; Labels: Record<string, string> }[]).filter(
    ({ Name }) => !['bridge', 'host', 'none'].includes(Name),
  );
  return (containers) =>
    own.map(({ Name, Id, Labels }): ClusterNetwork => {
      const members = containers.filter(({ facts: { inspect } }) => inspect.State.Running && inspect.NetworkSettings.Networks?.[Name]);
      return {
        record: {
          id: Id,
          name: Name,
          deployment: 'default',
          cidr: '172.18.0.0/16',
          vni: 1,
          labels: Labels,
          options: {},
          internal: false,
          attachable: false,
          auxAddresses: {},
          implicit: false,
          createdAtMs: 0,
        },
        members: members.map(({ id, name }) => ({ id, name, endpointId: '', mac: '', ip: '172.18.0.2', ipv6: '' })),
      };
    });
}

/** Without what is ours to differ in: the ids of networks that every host has of its own, and the label with the host's name. */
function withoutTime(row: ContainerSummary): unknown {
  const { Status: _, Labels, ...rest } = row;
  const { 'arpanet.host': _host, ...labels } = Labels;
  const { Mounts, Ports } = sorted(rest);
  return { ...rest, Mounts, Ports, Labels: labels, NetworkSettings: withoutPredefinedIds(rest.NetworkSettings) };
}

/** Engines keep mounts and ports in maps: their order means nothing. */
function sorted({ Mounts, Ports }: Record<string, unknown>) {
  const by = (list: unknown) => (Array.isArray(list) ? list.map((one) => JSON.stringify(one)).sort() : list);
  return { Mounts: by(Mounts), Ports: by(Ports) };
}

function withoutPredefinedIds(settings: ContainerSummary['NetworkSettings']): unknown {
  const all = Object.entries(settings?.Networks ?? {});
  return {
    ...settings,
    Networks: Object.fromEntries(all.map(([name, one]) => [name, isPredefined(name) ? { ...one, NetworkID: '' } : one])),
  };
}

function plainInspect(inspect: Record<string, unknown>): unknown {
  const { Mounts } = sorted(inspect);
  return { ...inspect, Mounts, NetworkSettings: withoutPredefinedIds(inspect['NetworkSettings'] as ContainerSummary['NetworkSettings']) };
}

function isPredefined(name: string): boolean {
  return ['bridge', 'host', 'none'].includes(name);
}

function byId(a: Row, b: Row): number {
  return a.Id < b.Id ? -1 : 1;
}
