/**
 * Sends the agents the names that their containers may ask for: the whole table to a host that has just come, and from then on what has changed for
 * it. What concerns every host (which deployments there are), and that a table is still what the leader has, goes with the host's heartbeats: no
 * change and no timer walks all hosts. Effects: writes to streams.
 */
import { patientlyFor } from '../../async/within.ts';
import type { NameUpdate } from '../../contracts/index.ts';
import type { NameChange, NamedInstance, NameTable } from '../../model/index.ts';
import type { Hub } from './hub.ts';
import { createNameInterest, type InterestChange } from './name-interest.ts';
import { createCommonNames } from './common-names.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

const PUSH_TIMEOUT_MS = 1_000;
/** An agent gets word this often that its table is what the leader has, so that it knows how old that is; one of before is sent it again. */
const CONFIRM_MS = 10_000;
const REFRESH_MS = 15_000;
/** The registrar says every half minute that it is at work: while it does not, nothing is confirmed. */
const SILENT_MS = 45_000;

export interface NamesPush {
  /** Resolves when what concerns them has left this process to every agent, after a second at the latest. Never rejects. */
  readonly push: (update: NameUpdate) => Promise<void>;
  /** The newest table, again, to one host that just came, or whose table does not fit what it was sent. */
  readonly again: (host: string) => void;
  /** A heartbeat of the host has come. */
  readonly beaten: (host: string) => void;
}

export interface NamesPushDeps {
  readonly hub: Pick<Hub, 'hosts' | 'send'>;
  readonly log: Logger;
  /** Milliseconds, by the clock of the updates. */
  readonly now: () => number;
  /** False: its agent is of before, and knows whole tables only. */
  readonly takesChanges: (host: string) => boolean;
  readonly networkName?: (id: string) => string | undefined;
}

/** What a host was sent last. */
interface Sent {
  /** Of its table. */
  readonly version: number;
  /** How much it has of what all hosts are sent. */
  readonly common: number;
  readonly atMs: number;
}

type Heading = Pick<NameTable, 'version' | 'epoch' | 'atMs'>;

export function createNamesPush({ hub, log, now, takesChanges, networkName = () => undefined }: NamesPushDeps): NamesPush {
  const interest = createNameInterest();
  const common = createCommonNames();
  const sentTo = new Map<string, Sent>();
  let newest: Heading | undefined;

  async function say(host: string, message: Parameters<Hub['send']>[1], version: number): Promise<void> {
    const mark = { version, common: common.version(), atMs: now() };
    sentTo.set(host, mark);
    if (!(await hub.send(host, message)) && sentTo.get(host) === mark) sentTo.delete(host);
  }

  async function sendTable(host: string, { version, epoch, atMs }: Heading): Promise<void> {
    const instances = interest.of(host);
    const networks = namesOf(instances, networkName);
    await say(host, { type: 'names', table: { version, epoch, atMs, instances, networks, ...common.all() } }, version);
  }

  async function sendChange(host: string, heading: Heading, { put, drop }: InterestChange): Promise<void> {
    const before = sentTo.get(host);
    // it gets the whole table when it comes
    if (before === undefined) return;
    if (!takesChanges(host)) return await sendTable(host, heading);
    const networks = namesOf(put, networkName);
    const change: NameChange = { ...heading, since: before.version, put, drop, networks, ...common.since(before.common) };
    await say(host, { type: 'names-change', change }, heading.version);
  }

  const nothing: InterestChange = { put: [], drop: [] };

  return {
    async push({ version, epoch, atMs, changes, isForAll, isWhole, ...update }) {
      const concerned = isWhole ? undefined : interest.apply(changes);
      if (isWhole) interest.replace(update.instances());
      if (isWhole) common.replace(update.outside, update.deployments());
      else common.change(isForAll ? update.outside : undefined, update.deploymentsCome, update.deploymentsGone);
      const heading = { version, epoch, atMs };
      newest = heading;
      const sent =
        concerned === undefined
          ? hub.hosts().map((host) => sendTable(host, heading))
          : isForAll
            ? hub.hosts().map((host) => sendChange(host, heading, concerned.get(host) ?? nothing))
            : [...concerned].map(([host, change]) => sendChange(host, heading, change));
      await patientlyFor(PUSH_TIMEOUT_MS, Promise.all(sent));
    },
    again(host) {
      sentTo.delete(host);
      if (newest !== undefined) inBackground(log, 'names for a host', sendTable(host, newest));
    },
    beaten(host) {
      const before = sentTo.get(host);
      if (before === undefined || newest === undefined) return;
      const isBehind = before.common !== common.version();
      const isDue = now() - before.atMs >= (takesChanges(host) ? CONFIRM_MS : REFRESH_MS) && now() - newest.atMs < SILENT_MS;
      if (isBehind || isDue) inBackground(log, 'names for a host', sendChange(host, { ...newest, version: before.version }, nothing));
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
