/** A cluster that has its containers already: records and leases as creates would have left them, and what the hosts' Engines hold of it. */
import type { Allocator } from '../../../src/contracts/index.ts';
import { type ContainerRecord, type CreateRequest, keys } from '../../../src/model/index.ts';
import type { Change } from '../../../src/store/ledger/contract.ts';
import type { Ledger } from '../../../src/store/index.ts';
import { PLAIN } from './dhcp-world.ts';
import type { FakeAgent } from './fake-agent.ts';
import { hex } from './fake-engine.ts';

/** Of a deployment; each has three services. */
const IN_ONE = 30;

interface Seeded {
  readonly record: ContainerRecord;
  readonly network: string;
  readonly ip: string;
}

export interface Seed {
  /** By host. */
  readonly containers: ReadonlyMap<string, readonly Seeded[]>;
  /** Names of networks by id. */
  readonly networks: ReadonlyMap<string, string>;
}

const nameOf = (i: number): string => `h${i + 1}`;

/** Those of one deployment are on neighbouring hosts. `image`: what they run. */
export async function seedContainers(
  ledger: Ledger,
  { networks, leases }: Pick<Allocator, 'networks' | 'leases'>,
  hosts: number,
  each: number,
  image = 'busybox',
): Promise<Seed> {
  const containers = new Map<string, Seeded[]>();
  const named = new Map<string, string>();
  for (let i = 0; i < hosts; i++) containers.set(nameOf(i), []);
  // what is committed is seen by the next plan at once; the store gets it in batches
  const written: Promise<void>[] = [];
  const write = (changes: readonly Change[]): void => {
    if (changes.length > 0) written.push(ledger.commit(changes));
  };
  const all = hosts * each;
  for (let i = 0; i < all; i++) {
    const deployment = `app${Math.floor(i / IN_ONE)}`;
    if (i % IN_ONE === 0) {
      const plan = networks.plan({ ...PLAIN, name: `${deployment}_default`, deployment, createdAtMs: 1 });
      named.set(plan.record.id, plan.record.name);
      write(plan.changes);
      await Promise.all(written.splice(0));
    }
    const network = [...named.keys()].at(-1) ?? '';
    const host = nameOf(Math.floor(i / each));
    const service = ['web', 'api', 'db'][i % 3] ?? '';
    const number = Math.floor((i % IN_ONE) / 3) + 1;
    const name = `${deployment}-${service}-${number}`;
    write(leases.planGateway(network, host).changes);
    const [offer] = leases.planOffer(network, { owner: name, host }).changes;
    const ip = (offer as { readonly value: { readonly ip: string } }).value.ip;
    const lease = { ip, network, kind: 'instance', owner: name, host, state: 'bound', sinceMs: 1, epoch: 1 } as const;
    const record: ContainerRecord = {
      name,
      id: hex(),
      host,
      deployment,
      service,
      number,
      addresses: { [network]: ip },
      aliases: { [network]: [service] },
      links: [],
      request: requestFor(image, deployment, service, number),
      decision: { host, strategy: 'spread', atMs: 1, scored: [], refused: [] },
      createdAtMs: 1,
      nonce: hex(),
    };
    write([
      { kind: 'put', key: keys.lease(network, ip), value: lease },
      { kind: 'put', key: keys.container(name), value: record },
    ]);
    containers.get(host)?.push({ record, network, ip });
  }
  await Promise.all(written);
  return { containers, networks: named };
}

function requestFor(image: string, deployment: string, service: string, number: number): CreateRequest {
  return {
    Image: image,
    Cmd: ['sleep', '3600'],
    Env: Array.from({ length: 20 }, (_, i) => `SETTING_${i}=value-${i}-of-${service}`),
    Labels: {
      'com.docker.compose.project': deployment,
      'com.docker.compose.service': service,
      'com.docker.compose.container-number': String(number),
      'com.docker.compose.config-hash': 'c'.repeat(64),
    },
    ExposedPorts: { '80/tcp': {} },
    HostConfig: { RestartPolicy: { Name: 'always' } },
  };
}

/** The host's Engine has them, and they run. */
export function holdSeeded({ name, engine }: Pick<FakeAgent, 'name' | 'engine'>, { containers, networks }: Seed): void {
  for (const { record, network, ip } of containers.get(name) ?? []) {
    const called = networks.get(network) ?? '';
    engine.networks.set(network, { network, name: called, engineId: `engine-${called}`, gateway: '' });
    engine.containers.set(record.id ?? '', {
      id: record.id ?? '',
      name: record.name,
      request: record.request,
      status: 'running',
      networks: new Map([[called, ip]]),
      driverOptions: new Map(),
    });
  }
}
