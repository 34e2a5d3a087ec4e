/** What operators let the cluster use of a host, and whether what runs there fits into it. Pure. */
import type { HostLimits, LimitChange } from '../../model/index.ts';
import { reservedOn } from '../placement/load.ts';
import type { HostSnapshot } from '../placement/snapshot.ts';
import { formatBytes } from '../../text/size.ts';

/** null takes a limit away. */
export function changedLimits(before: HostLimits | undefined, change: LimitChange): HostLimits | undefined {
  const entries = Object.entries({ ...before, ...change }).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Why these limits cannot be, with the figures; undefined: they can. `machine`: what its Engine says it has, where that is known. */
export function limitRefusal(
  change: LimitChange,
  host: HostSnapshot,
  machine: { readonly cpus: number; readonly memoryBytes: number } | undefined,
): string | undefined {
  const { nanoCpus, memoryBytes } = reservedOn(host, {});
  const running = host.containers.filter((container) => container.state !== 'stopped').length;
  const { cpus, memoryBytes: memory, maxContainers } = change;
  const next = `move work off it first ("arpanet drain ${host.name}", or fewer instances), or give it more`;
  if (typeof cpus === 'number') {
    if (machine !== undefined && cpus > machine.cpus) return `${host.name} has ${machine.cpus} CPUs: it cannot be let ${cpus}`;
    if (cpus * 1e9 < nanoCpus) return `containers on ${host.name} reserve ${nanoCpus / 1e9} CPUs, more than ${cpus}: ${next}`;
  }
  if (typeof memory === 'number') {
    if (machine !== undefined && memory > machine.memoryBytes)
      return `${host.name} has ${formatBytes(machine.memoryBytes)} of memory: it cannot be let ${formatBytes(memory)}`;
    if (memory < memoryBytes)
      return `containers on ${host.name} reserve ${formatBytes(memoryBytes)} of memory, more than ${formatBytes(memory)}: ${next}`;
  }
  if (typeof maxContainers === 'number' && maxContainers < running)
    return `${host.name} runs ${running} containers, more than ${maxContainers}: ${next}`;
  return undefined;
}
