/** Name tables as literal data. */
import type { NameUpdate } from '../../../src/contracts/index.ts';
import type { NamedInstance, NameTable } from '../../../src/model/index.ts';
import type { InstanceSource } from '../../../src/registrar/index.ts';

/** `instance('2.pricing.abc', { n1: '10.32.0.2' })`: ready, one TCP port. */
export function instance(id: string, addresses: Record<string, string>, over: Partial<NamedInstance> = {}): NamedInstance {
  const [number = '1', service = '', deployment = ''] = id.split('.');
  return {
    id,
    container: '',
    name: `${deployment}_${service}_${number}`,
    deployment,
    service,
    number: Number(number),
    host: 'h1',
    addresses,
    aliases: {},
    links: {},
    ports: [{ port: 80, protocol: 'tcp' }],
    state: 'running',
    ready: true,
    ...over,
  };
}

export const nameTable = (...instances: readonly NamedInstance[]): NameTable => ({ version: 7, epoch: 1, atMs: 1_000_000, instances });

/** What a registrar is given, of a list that is made anew each time. */
export function sourceOf(list: () => readonly NamedInstance[]): InstanceSource {
  let told = new Map<string, NamedInstance>();
  let deployments: readonly string[] = [];
  return {
    changes() {
      const now = new Map(list().map((one) => [one.container, one]));
      const ids = [...new Set([...told.keys(), ...now.keys()])];
      const changed = ids.filter((id) => JSON.stringify(told.get(id)) !== JSON.stringify(now.get(id)));
      const changes = changed.map((id) => ({ before: told.get(id), now: now.get(id) }));
      told = now;
      return changes;
    },
    all: list,
    deployments() {
      const now = [...new Set(list().map(({ deployment }) => deployment))].sort();
      if (now.join() !== deployments.join()) deployments = now;
      return deployments;
    },
  };
}

/** The whole table that an update leads to. */
export function tableIn({ version, epoch, atMs, outside, deployments, instances }: NameUpdate): NameTable {
  return { version, epoch, atMs, outside, deployments: deployments(), instances: instances() };
}
