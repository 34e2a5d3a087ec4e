/** The containers of a project that need one host, created one after the other in every order that a client may use. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterVolume, CreateRequest } from '../../../src/model/index.ts';
import { identify } from '../../../src/scheduler/create/identify.ts';
import { type HostSnapshot, needsOf, place, type PlacedContainer, placementRequest } from '../../../src/scheduler/placement/index.ts';
import { volumeFacts } from '../../../src/scheduler/volumes/project-volumes.ts';
import { isNamedVolume } from '../../../src/text/names.ts';
import { hostSnapshot } from '../../support/fakes/literal-placement.ts';

const MIB = 2 ** 20;
const host = (name: string, more: Partial<HostSnapshot> = {}): HostSnapshot => hostSnapshot(name, { memoryBytes: 1024 * MIB, ...more });

interface Service {
  readonly volumes?: readonly string[];
  /** It has the network of this one, or its volumes. */
  readonly network?: string;
  readonly volumesFrom?: string;
}
type Project = Readonly<Record<string, Service>>;

function requestOf(name: string, { volumes = [], network, volumesFrom }: Service): CreateRequest {
  return {
    Image: 'busybox',
    Labels: { 'com.docker.compose.project': 'abc', 'com.docker.compose.service': name, 'com.docker.compose.container-number': '1' },
    HostConfig: {
      Binds: volumes.map((volume) => `abc_${volume}:/${volume}`),
      MemoryReservation: 200 * MIB,
      ...(network === undefined ? {} : { NetworkMode: `container:${network}` }),
      ...(volumesFrom === undefined ? {} : { VolumesFrom: [volumesFrom] }),
    },
  };
}

/** Every order in which each is created after those that it names, as compose does. */
function orders(project: Project): readonly (readonly string[])[] {
  const next = (done: readonly string[]): readonly (readonly string[])[] => {
    const left = Object.keys(project).filter((name) => !done.includes(name));
    if (left.length === 0) return [done];
    return left.flatMap((name) => {
      const { network, volumesFrom } = project[name] ?? {};
      const isDue = [network, volumesFrom].every((other) => other === undefined || done.includes(other));
      return isDue ? next([...done, name]) : [];
    });
  };
  return next([]);
}

/** Where each lands, or why one does not; compose has created all volumes before the first container. */
function created(project: Project, order: readonly string[], hosts: readonly HostSnapshot[]): ReadonlyMap<string, string> | string {
  const at = new Map<string, string>();
  const volumes = new Map<string, ClusterVolume>();
  const put = (name: string, on: string | undefined) => {
    const labels = { 'com.docker.compose.project': 'abc' };
    volumes.set(name, { name, host: on, summary: undefined, record: { name, driver: 'local', labels, createdAtMs: 1 } });
  };
  for (const { volumes: own = [] } of Object.values(project)) for (const name of own) put(`abc_${name}`, undefined);
  let now = hosts;
  for (const name of order) {
    const request = requestOf(name, project[name] ?? {});
    const identity = identify({ name, request, taken: () => [] });
    const wanted = placementRequest(identity, request, {
      name,
      ...volumeFacts({ find: (of) => volumes.get(of), list: () => [...volumes.values()] }, identity.volumes, request),
      mustBeWith: identity.together.map(({ container, because }) => ({ container, host: at.get(container), because })),
      imageHosts: new Set<string>(),
    });
    const placement = place(wanted, now, { strategy: 'spread', nowMs: 1, random: () => 0 });
    if (placement.kind === 'refused') return placement.message;
    const on = placement.decision.host;
    at.set(name, on);
    const named = identity.volumes.filter(isNamedVolume);
    for (const volume of named) put(volume, volumes.get(volume)?.host ?? on);
    const made: PlacedContainer = {
      ...wanted,
      ...needsOf(request),
      id: name,
      number: 1,
      state: 'created',
      hasVolumes: named.length > 0,
    };
    now = now.map((one) => (one.name === on ? { ...one, containers: [...one.containers, made] } : one));
  }
  return at;
}

const filler = (memory: number): PlacedContainer => ({
  id: 'filler',
  name: 'filler',
  deployment: 'other',
  service: 'filler',
  number: 1,
  state: 'running',
  hostPorts: [],
  reservedNanoCpus: 0,
  reservedMemoryBytes: memory,
  expectedNanoCpus: 0,
  expectedMemoryBytes: 0,
});
/** The first is idle and has room for one more; the second is busy, and has room. */
const nearlyFull = [
  host('h1', { containers: [filler(800 * MIB)], load: { cpu: 0, memoryUsedBytes: 0, atMs: 1 } }),
  host('h2', { memoryBytes: 4096 * MIB, load: { cpu: 0.9, memoryUsedBytes: 3000 * MIB, atMs: 1 } }),
  host('h3', { maxContainers: 1, load: { cpu: 0, memoryUsedBytes: 0, atMs: 1 } }),
];

describe('a project whose containers share volumes and namespaces', () => {
  const shop: Project = {
    nginx: { volumes: ['static'] },
    worker: { volumes: ['media'] },
    web: { volumes: ['static', 'media'] },
    logs: { volumesFrom: 'nginx' },
    side: { network: 'web' },
  };

  it('comes up in every order, on one host, also where the hosts that seem best have room for the first alone', () => {
    for (const hosts of [[host('h1'), host('h2'), host('h3')], nearlyFull]) {
      const all = orders(shop);
      assert.equal(all.length, 30);
      for (const order of all) {
        const at = created(shop, order, hosts);
        if (typeof at === 'string') assert.fail(`${order.join()}: ${at}`);
        assert.equal(new Set(at.values()).size, 1, order.join());
        if (hosts === nearlyFull) assert.equal(at.get('web'), 'h2');
      }
    }
  });

  it('follows one that lends its network or volumes, wherever that is, in every order', () => {
    const lent: Project = { vpn: {}, client: { network: 'vpn' }, second: { network: 'vpn' }, tool: {}, reader: { volumesFrom: 'tool' } };
    for (const order of orders(lent)) {
      const at = created(lent, order, [host('h1'), host('h2'), host('h3')]);
      if (typeof at === 'string') assert.fail(`${order.join()}: ${at}`);
      assert.deepEqual([at.get('client'), at.get('second'), at.get('reader')], [at.get('vpn'), at.get('vpn'), at.get('tool')]);
    }
  });

  it('cannot know of one without data that another will borrow its network beside a volume: that is refused with what to do', () => {
    const mixed: Project = { vpn: {}, store: { volumes: ['data'] }, client: { volumes: ['data'], network: 'vpn' } };
    const hosts = [host('h1'), host('h2')];
    const text = created(mixed, ['vpn', 'store', 'client'], hosts);
    assert.equal(
      text,
      'no host fits: it must share a host with container vpn (network_mode) on h1 and volume abc_data on h2: ' +
        'remove vpn and create it again (docker compose rm -sf, up): for ten minutes it is placed on h2',
    );
  });
});
