/** What operators do to hosts besides moving work: add, update, remove, reset. Effects: those of instance-actions; writes through the scheduler. */
import type { AdmissionRequest, HostOperations, HostRemoval, HostRequest, Progress } from '../../contracts/index.ts';
import { ArpanetError, type ContainerRecord, type ContainerView, type ServiceId, type VolumeRecord, keys } from '../../model/index.ts';
import type { InstanceActions } from '../replicas/instance-actions.ts';
import type { Core } from '../core.ts';
import { DRAINING, type HostLock } from './host-lock.ts';
import { doAll, tryAll } from '../../async/limit.ts';
import { hostNamed } from '../../config/nearest.ts';
import { planReschedule } from '../reschedule/reschedule-plan.ts';
import { HOST_NAME_FORM, isHostName } from '../../text/names.ts';
import { pauseWhileLeading } from '../leading.ts';

const DRAIN_MS = 1_000;
/** A refused agent dials again every five seconds. */
const BACK_MS = 8_000;

export function createHostOperations(
  core: Core,
  actions: InstanceActions,
  lock: HostLock,
): Pick<HostOperations, 'add' | 'update' | 'remove' | 'reset'> {
  const { deps, lost } = core;
  const { ledger } = deps;

  const ours = (host: string) => deps.scheduler.containers.list().filter((one) => one.host === host && one.record !== undefined);
  const recorded = (host: string) =>
    ledger.list<ContainerRecord>(keys.containers).flatMap(([, record]) => (record.host === host ? [record.name] : []));
  const volumesOn = (host: string) =>
    ledger.list<VolumeRecord>(keys.volumes).flatMap(([, volume]) => (volume.host === host ? [volume.name] : []));

  async function takeAway(containers: readonly ContainerView[], progress: Progress): Promise<void> {
    await doAll(containers, 8, async (container) => {
      progress(`${container.host}: ${container.name} is deregistered, stopped and removed`);
      await actions.remove(container, DRAIN_MS);
    });
  }

  /** What may be started elsewhere is started there now: the host is not waited for any more. */
  async function reschedule(host: string, progress: Progress): Promise<void> {
    const stopped = new Set(core.records().flatMap((record) => record.stopped));
    const isHeld = (id: ServiceId) => core.record(id) !== undefined;
    const isRestartEnough = deps.isRestartEnough();
    const containers = deps.scheduler.containers.list();
    const { replace } = planReschedule({ containers, lostHosts: new Set([host]), isHeld, isRestartEnough, stopped });
    const failures = await tryAll(replace, 4, async (container) => {
      await actions.replaceLost(container);
      progress(`${container.name} is started elsewhere`);
    });
    for (const error of failures) progress(`${host}: ${error.message}`);
  }

  /** With nothing new placed on the host meanwhile; as it was before if `work` fails. */
  async function closed<T>(host: string, work: () => Promise<T>): Promise<T> {
    const before = hostNamed(host, deps.scheduler.hosts.list()).record.availability;
    if (before === 'active') await deps.scheduler.hosts.update(host, { availability: 'pause' });
    const reopen = async () => {
      const isMember = deps.scheduler.hosts.list().some((one) => one.name === host);
      if (isMember && before === 'active' && !lost.aborted) await deps.scheduler.hosts.update(host, { availability: before });
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
        : `it is ${state}; --force abandons that, and maintained services are started elsewhere`;
    return `${host} holds ${what}: ${next}`;
  }

  async function notAMember(name: string, progress: Progress): Promise<HostRemoval> {
    const admission = deps.scheduler.hosts.admissions().find((one) => one.name === name);
    if (admission === undefined) hostNamed(name, [...deps.scheduler.hosts.list(), ...deps.scheduler.hosts.admissions()]);
    if (admission?.kind === 'removed')
      throw new ArpanetError('conflict', `${name} was removed already: "arpanet hosts add ${name}" lets it join again`);
    await deps.scheduler.hosts.admit(name, undefined);
    progress(`${name}: is not expected any more`);
    return { host: name, containers: [], volumes: [] };
  }

  return {
    async add(name, request, progress) {
      if (!isHostName(name)) throw new ArpanetError('invalid', `"${name}" is not a valid host name: use ${HOST_NAME_FORM}`);
      const hosts = deps.scheduler.hosts.list();
      if (hosts.some((host) => host.name === name))
        throw new ArpanetError('conflict', `${name} is a host already: "arpanet hosts update ${name}" changes it`);
      const holder = request.address === undefined ? undefined : hosts.find((host) => host.record.address === request.address);
      if (holder !== undefined)
        throw new ArpanetError('conflict', `${holder.name} is at ${request.address ?? ''} already: a machine is one host`);
      const wasRemoved = deps.scheduler.hosts.admissions().some((one) => one.name === name && one.kind === 'removed');
      return lock.hold(name, 'being added', async () => {
        await deps.scheduler.hosts.admit(name, admissionOf(request));
        progress(`${name} may join`);
        const isIn = () => deps.scheduler.hosts.list().some((host) => host.name === name && host.state === 'alive');
        // The agent of one that was removed may still be trying to connect.
        const endMs = deps.now() + (wasRemoved ? BACK_MS : 0);
        while (!isIn() && deps.now() < endMs) await pauseWhileLeading(200, lost);
        if (isIn()) progress(`${name} has joined`);
        return { host: name, joined: isIn() };
      });
    },
    async update(name, change) {
      const { name: host } = hostNamed(name, deps.scheduler.hosts.list());
      const update = () => deps.scheduler.hosts.update(host, change);
      // to set its availability cancels a drain
      return lock.doing(host) === DRAINING ? update() : lock.hold(host, 'being updated', update);
    },
    async remove(name, force, progress) {
      const host = deps.scheduler.hosts.list().find((one) => one.name === name);
      if (host === undefined) return notAMember(name, progress);
      return lock.hold(name, 'being removed', () =>
        closed(name, async () => {
          const refusal = force ? undefined : holds(name, host.state);
          if (refusal !== undefined) throw new ArpanetError('conflict', refusal);
          if (host.state === 'alive') await takeAway(ours(name), progress);
          else await reschedule(name, progress);
          const here = new Set(ours(name).map((one) => one.name));
          const { containers, volumes } = await deps.scheduler.hosts.remove(name);
          progress(`${name}: is not a host of this cluster any more`);
          return { host: name, containers: [...new Set([...here, ...containers])], volumes };
        }),
      );
    },
    async reset(name, force, progress) {
      const { name: host, state } = hostNamed(name, deps.scheduler.hosts.list());
      if (state !== 'alive')
        throw new ArpanetError('conflict', `${host} is ${state}: start its agent first, or remove it ("arpanet hosts rm ${host} --force")`);
      return lock.hold(host, 'being reset', () =>
        closed(host, async () => {
          const containers = ours(host);
          if (containers.length > 0 && !force)
            throw new ArpanetError(
              'conflict',
              `${counted(containers.length, 'container')} on ${host} (${some(containers.map((one) => one.name))}): "arpanet drain ${host}" moves what can move, --force removes them`,
            );
          await takeAway(containers, progress);
          progress(`${host}: removing its networks`);
          const { networks } = await deps.scheduler.hosts.reset(host);
          progress(`${host}: reset`);
          return { host, containers: containers.map((one) => one.name), networks };
        }),
      );
    },
  };
}

function admissionOf({ address, labels, limits, availability }: HostRequest): AdmissionRequest {
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
