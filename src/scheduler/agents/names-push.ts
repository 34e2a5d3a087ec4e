/**
 * Sends the name table to the agents: each gets the names that its containers may ask for, when they change, and at times as a sign of
 * life. Effects: writes to streams.
 */
import { patientlyFor } from '../../async/within.ts';
import type { NameUpdate } from '../../contracts/index.ts';
import type { NamedInstance, NameTable } from '../../model/index.ts';
import type { Hub } from './hub.ts';
import { createNameInterest } from './name-interest.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

const PUSH_TIMEOUT_MS = 1_000;
/** The same names are sent again after this long, so that an agent knows how old its table is. The registrar makes one every half minute. */
const REFRESH_MS = 15_000;

export interface NamesPush {
  /** Resolves when every agent's table has left this process, after a second at the latest. Never rejects. */
  readonly push: (update: NameUpdate) => Promise<void>;
  /** The newest table, again, to one host that just came. */
  readonly again: (host: string) => void;
}

export function createNamesPush(
  hub: Pick<Hub, 'hosts' | 'send'>,
  log: Logger,
  networkName: (id: string) => string | undefined = () => undefined,
): NamesPush {
  const interest = createNameInterest();
  const sent = new Map<string, { readonly text: string; readonly atMs: number }>();
  let newest: Omit<NameTable, 'instances'> | undefined;

  async function pushTo(host: string, { version, epoch, atMs, outside, deployments }: Omit<NameTable, 'instances'>): Promise<void> {
    const instances = interest.of(host);
    const networks = namesOf(instances, networkName);
    const text = JSON.stringify([instances, networks, outside, deployments]);
    const before = sent.get(host);
    if (before?.text === text && atMs - before.atMs < REFRESH_MS) return;
    const now = { text, atMs };
    sent.set(host, now);
    const table: NameTable = {
      version,
      epoch,
      atMs,
      instances,
      networks,
      ...(outside && { outside }),
      ...(deployments && { deployments }),
    };
    if (!(await hub.send(host, { type: 'names', table })) && sent.get(host) === now) sent.delete(host);
  }

  return {
    async push(update) {
      const concerned = update.isWhole ? undefined : interest.apply(update.changes);
      if (concerned === undefined) interest.replace(update.instances());
      newest = update;
      const hosts = concerned === undefined || update.isForAll ? hub.hosts() : concerned;
      await patientlyFor(PUSH_TIMEOUT_MS, Promise.all([...hosts].map((host) => pushTo(host, update))));
    },
    again(host) {
      sent.delete(host);
      if (newest !== undefined) inBackground(log, 'names for a host', pushTo(host, newest));
    },
  };
}

function namesOf(instances: readonly NamedInstance[], networkName: (id: string) => string | undefined): Readonly<Record<string, string>> {
  const ids = new Set(instances.flatMap(({ addresses }) => Object.keys(addresses)));
  return Object.fromEntries(
    [...ids].flatMap((id): [string, string][] => {
      const name = networkName(id);
      return name === undefined ? [] : [[id, name]];
    }),
  );
}

/**
 * Instances of the deployments that have one on this host, and those of others that share a network with one there: nobody else is asked for. Looks at
 * all: what `NameInterest` gives is held against it.
 */
export function instancesFor(host: string, instances: readonly NamedInstance[]): readonly NamedInstance[] {
  const here = instances.filter((instance) => instance.host === host);
  const deployments = new Set(here.map((instance) => instance.deployment));
  const networks = new Set(here.flatMap((instance) => Object.keys(instance.addresses)));
  return instances.filter(
    ({ deployment, addresses }) => deployments.has(deployment) || Object.keys(addresses).some((network) => networks.has(network)),
  );
}
