/** What ops do to hosts beside moving work: add, update, remove, bring back to as new. Effects: those of act; writes through the scheduler. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AdmissionRecord,
  ArpanetError,
  type ContainerRecord,
  type ContainerView,
  type HostChange,
  type ServiceId,
  type VolumeRecord,
  keys,
} from '../../model/index.ts';
import type { Act } from '../replicas/instance-actions.ts';
import type { Core } from '../core.ts';
import type { HostLock } from './host-lock.ts';
import { inTurns } from '../replicas/replica-reconciler.ts';
import { hostNamed } from '../service-reference.ts';
import { planRescue } from '../reschedule/reschedule-plan.ts';
import type { Progress } from '../rollout/rollout.ts';

const DRAIN_MS = 1_000;
/** A refused agent dials again every five seconds. */
const BACK_MS = 8_000;
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export interface HostWish extends HostChange {
  /** Only a host at this address may join by the name. */
  readonly address?: string;
}

export interface HostChanges {
  /** Lets a host join by this name, with labels and limits from the start. `joined`: its agent was waiting, and is a member already. */
  readonly addHost: (name: string, wish: HostWish, progress: Progress) => Promise<{ readonly host: string; readonly joined: boolean }>;
  readonly changeHost: (name: string, change: HostChange) => Promise<unknown>;
  /** Takes it out of the cluster. Throws `conflict` naming what it holds, unless forced: then that is given up. */
  readonly removeHost: (name: string, force: boolean, progress: Progress) => Promise<HostRemoved>;
  /** Takes away all that the cluster made there. Throws `conflict` while containers run, unless forced. */
  readonly resetHost: (
    name: string,
    force: boolean,
    progress: Progress,
  ) => Promise<{ readonly host: string; readonly containers: readonly string[]; readonly networks: readonly string[] }>;
}

export interface HostRemoved {
  readonly host: string;
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
}

export function createHostChanges(core: Core, act: Act, lock: HostLock): HostChanges {
  const { deps, lost } = core;
  const { ledger } = deps;

  const ours = (host: string) => deps.containers().filter((one) => one.host === host && one.record !== undefined);
  const recorded = (host: string) =>
    ledger.list<ContainerRecord>(keys.containers).flatMap(([, record]) => (record.host === host ? [record.name] : []));
  const volumesOn = (host: string) =>
    ledger.list<VolumeRecord>(keys.volumes).flatMap(([, volume]) => (volume.host === host ? [volume.name] : []));

  async function takeAway(containers: readonly ContainerView[], progress: Progress): Promise<void> {
    const failures = await inTurns(containers, 8, async (container) => {
      progress(`${container.host}: ${container.name} leaves DNS, then stops and goes`);
      await act.remove(container, DRAIN_MS);
    });
    if (failures[0] !== undefined) throw failures[0];
  }

  /** What may come up elsewhere does so at once, as what it was: nobody waits for the host any more. */
  async function rescue(host: string, progress: Progress): Promise<void> {
    const stopped = new Set(core.records().flatMap((record) => record.stopped));
    const isHeld = (id: ServiceId) => core.record(id) !== undefined;
    const { succeed } = planRescue({ containers: deps.containers(), lostHosts: new Set([host]), isHeld, stopped });
    const failures = await inTurns(succeed, 4, async (container) => {
      await act.succeed(container);
      progress(`${container.name} comes up elsewhere`);
    });
    for (const error of failures) progress(`${host}: ${error.message}`);
  }

  /** With nothing new placed on the host meanwhile; as it was before if `work` fails. */
  async function closed<T>(host: string, work: () => Promise<T>): Promise<T> {
    const before = hostNamed(host, deps.hosts()).record.availability;
    if (before === 'active') await deps.updateHost(host, { availability: 'pause' });
    const reopen = async () => {
      const isMember = deps.hosts().some((one) => one.name === host);
      if (isMember && before === 'active' && !lost.aborted) await deps.updateHost(host, { availability: before });
    };
    try {
      const result = await work();
      await reopen();
      return result;
    } catch (error) {
      await reopen();
      throw error;
    }
  }

  function holds(host: string, state: string): string | undefined {
    const [containers, volumes] = [recorded(host), volumesOn(host)];
    if (containers.length === 0 && volumes.length === 0) return undefined;
    const what = [
      ...(containers.length > 0 ? [`${counted(containers.length, 'container')} (${some(containers)})`] : []),
      ...(volumes.length > 0 ? [`the data of ${counted(volumes.length, 'volume')} (${some(volumes)})`] : []),
    ].join(' and ');
    const next =
      state === 'alive'
        ? `"arpanet drain ${host}" moves what can move; --force removes its containers and forgets its volumes`
        : `it is ${state}; --force gives that up, and held services come up elsewhere`;
    return `${host} holds ${what}: ${next}`;
  }

  async function notAMember(name: string, progress: Progress): Promise<HostRemoved> {
    const admission = deps.admissions().find((one) => one.name === name);
    if (admission === undefined) hostNamed(name, [...deps.hosts(), ...deps.admissions()]);
    if (admission?.kind === 'removed')
      throw new ArpanetError('conflict', `${name} was removed already: "arpanet hosts add ${name}" lets it join again`);
    await deps.admit(name, undefined);
    progress(`${name}: is awaited no more`);
    return { host: name, containers: [], volumes: [] };
  }

  return {
    async addHost(name, wish, progress) {
      if (!NAME.test(name))
        throw new ArpanetError('invalid', `"${name}" is not a valid host name: 1 to 63 of a-z, 0-9 and -, not at the ends`);
      const hosts = deps.hosts();
      if (hosts.some((host) => host.name === name))
        throw new ArpanetError('conflict', `${name} is a host already: "arpanet hosts update ${name}" changes it`);
      const holder = wish.address === undefined ? undefined : hosts.find((host) => host.record.address === wish.address);
      if (holder !== undefined)
        throw new ArpanetError('conflict', `${holder.name} is at ${wish.address ?? ''} already: a machine is one host`);
      const wasRemoved = deps.admissions().some((one) => one.name === name && one.kind === 'removed');
      return lock.hold(name, 'being added', async () => {
        await deps.admit(name, admissionOf(wish));
        progress(`${name} may join`);
        const isIn = () => deps.hosts().some((host) => host.name === name && host.state === 'alive');
        // One that was removed may be knocking still.
        const endMs = deps.now() + (wasRemoved ? BACK_MS : 0);
        while (!isIn() && deps.now() < endMs) await sleep(200, undefined, { signal: lost });
        if (isIn()) progress(`${name} has joined`);
        return { host: name, joined: isIn() };
      });
    },
    async changeHost(name, change) {
      const { name: host } = hostNamed(name, deps.hosts());
      return lock.hold(host, 'being updated', () => deps.updateHost(host, change));
    },
    async removeHost(name, force, progress) {
      const host = deps.hosts().find((one) => one.name === name);
      if (host === undefined) return notAMember(name, progress);
      return lock.hold(name, 'being removed', () =>
        closed(name, async () => {
          const refusal = force ? undefined : holds(name, host.state);
          if (refusal !== undefined) throw new ArpanetError('conflict', refusal);
          if (host.state === 'alive') await takeAway(ours(name), progress);
          else await rescue(name, progress);
          const here = new Set(ours(name).map((one) => one.name));
          const { containers, volumes } = await deps.removeHost(name);
          progress(`${name}: is no host of this cluster any more`);
          return { host: name, containers: [...new Set([...here, ...containers])], volumes };
        }),
      );
    },
    async resetHost(name, force, progress) {
      const { name: host, state } = hostNamed(name, deps.hosts());
      if (state !== 'alive')
        throw new ArpanetError(
          'conflict',
          `${host} is ${state}: start its agent first, or give it up ("arpanet hosts rm ${host} --force")`,
        );
      return lock.hold(host, 'being reset', () =>
        closed(host, async () => {
          const containers = ours(host);
          if (containers.length > 0 && !force)
            throw new ArpanetError(
              'conflict',
              `${counted(containers.length, 'container')} on ${host} (${some(containers.map((one) => one.name))}): "arpanet drain ${host}" moves what can move, --force removes them`,
            );
          await takeAway(containers, progress);
          progress(`${host}: taking its networks away`);
          const { networks } = await deps.bareHost(host);
          progress(`${host}: is as new`);
          return { host, containers: containers.map((one) => one.name), networks };
        }),
      );
    },
  };
}

function admissionOf({ address, labels, limits, availability }: HostWish): Omit<AdmissionRecord, 'name' | 'kind' | 'atMs'> {
  const set = Object.entries(limits ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return {
    ...(address === undefined ? {} : { address }),
    ...(labels === undefined || Object.keys(labels).length === 0 ? {} : { setLabels: labels }),
    ...(set.length === 0 ? {} : { limits: Object.fromEntries(set) }),
    ...(availability === undefined ? {} : { availability }),
  };
}

const some = (names: readonly string[]): string => `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
