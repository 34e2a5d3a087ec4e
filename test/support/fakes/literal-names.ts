/** Name tables as literal data. */
import type { NamedInstance, NameTable } from '../../../src/model/index.ts';

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
