/** Containers without data whose namespaces another needs beside volumes that are on another host: made again, they can run on that host. Pure. */
import type { HostSnapshot, PlacementRequest } from './snapshot.ts';

const NAMESPACES: ReadonlySet<string> = new Set(['network_mode', 'ipc', 'pid']);

/** The host of the volumes, and the containers that are to be made again there. Undefined: that is not all that keeps the request from one host. */
export function lendersElsewhere(
  { volumesAt, mustBeWith }: PlacementRequest,
  hosts: readonly HostSnapshot[],
): { readonly host: string; readonly containers: readonly string[] } | undefined {
  const places = new Set(volumesAt.flatMap(({ host }) => host ?? []));
  const [host] = places;
  if (host === undefined || places.size > 1) return undefined;
  const elsewhere = mustBeWith.filter((parent) => parent.host !== host);
  const hasData = (name: string) => hosts.some(({ containers }) => containers.some((one) => one.name === name && one.hasVolumes === true));
  const areFree = elsewhere.every(({ container, because }) => NAMESPACES.has(because) && !hasData(container));
  return elsewhere.length > 0 && areFree ? { host, containers: [...new Set(elsewhere.map(({ container }) => container))] } : undefined;
}
