/** Hosts that operators remove from the cluster, reset, or let join. Effects: writes to the ledger, calls to agents. */
import { setTimeout as sleep } from 'node:timers/promises';
import type * as contracts from '../../contracts/index.ts';
import {
  type AdmissionRecord,
  ArpanetError,
  type ContainerRecord,
  type HostObservation,
  keys,
  type LostRecord,
  type VolumeRecord,
} from '../../model/index.ts';
import type { Change } from '../../store/ledger/contract.ts';
import { commitInPieces, type Core, networkRecords } from '../core.ts';
import type { Hosts } from './hosts.ts';
import type { Lifecycle } from '../containers/lifecycle.ts';
import type { Overlays } from '../networks/overlays.ts';

const LOOK_TIMEOUT_MS = 10_000;
const SETTLE_MS = 15_000;

export type HostRemoval = Pick<contracts.Hosts, 'admissions' | 'admit' | 'remove' | 'reset'>;

export function createHostRemoval(core: Core, parts: { hosts: Hosts; lifecycle: Lifecycle; overlays: Overlays }): HostRemoval {
  const { deps, view, hub, commit, lost } = core;
  const { ledger, dhcp, log } = deps;
  const { hosts, lifecycle, overlays } = parts;

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: lost }).catch(() => undefined);
    if (lost.aborted) throw new ArpanetError('unavailable', 'this scheduler no longer leads: try again');
  }

  async function networksOff(host: string): Promise<readonly string[]> {
    const there = networkRecords(deps).filter(({ id }) => dhcp.leases.gatewaysOf(id)[host] !== undefined);
    await commitInPieces(
      commit,
      there.flatMap(({ id }) => dhcp.leases.planGatewayRelease(id, host)),
    );
    for (const { id } of there) await overlays.takeOff(id, [host]);
    return there.map(({ name }) => name);
  }

  /** It may still run there: the other hosts drop its packets until it has been removed, should the host ever come back. */
  async function note({ id, name, host }: ContainerRecord): Promise<void> {
    if (id === undefined) return;
    const value: LostRecord = { id, name, host, addresses: {}, isReplaced: true, sinceMs: deps.now() };
    await commit([{ kind: 'put', key: keys.lostContainer(id), value }]);
  }

  /** No machine boots as it any more. */
  const unapproved = (name: string): readonly Change[] =>
    ledger.get(keys.machine(name)) === undefined ? [] : [{ kind: 'delete', key: keys.machine(name) }];

  return {
    admissions: () => ledger.list<AdmissionRecord>(keys.admissions).map(([, admission]) => admission),
    async admit(name, admission) {
      const key = keys.admission(name);
      const was = ledger.get<AdmissionRecord>(key)?.was;
      const value: AdmissionRecord = { ...admission, name, kind: 'expected', ...(was === undefined ? {} : { was }), atMs: deps.now() };
      await commit(admission === undefined ? [{ kind: 'delete', key }, ...unapproved(name)] : [{ kind: 'put', key, value }]);
      log.info({ host: name, mayJoin: admission !== undefined }, 'host admission changed');
    },
    async remove(name) {
      const records = core.recordIndex.onHost(name);
      for (const record of records) {
        if (view.host(name)?.state !== 'alive') await note(record);
        await lifecycle.forget(record);
      }
      await networksOff(name);
      const volumes = ledger.list<VolumeRecord>(keys.volumes).flatMap(([key, volume]) => (volume.host === name ? [{ key, volume }] : []));
      const gone = volumes.map(({ key }): Change => ({ kind: 'delete', key }));
      await commitInPieces(commit, gone);
      const late = core.recordIndex.onHost(name);
      if (late.length > 0) throw new ArpanetError('conflict', `a container is being created on ${name}: try again`);
      await commit([...hosts.leave(name), ...unapproved(name)]);
      hub.drop(name, `${name} was removed from this cluster: "arpanet hosts add ${name}" lets it join again`);
      hosts.left(name);
      overlays.pushAll();
      log.info({ host: name, containers: records.length, volumes: gone.length }, 'host removed by an operator');
      return { containers: records.map((record) => record.name), volumes: volumes.map(({ volume }) => volume.name) };
    },
    async reset(name) {
      const networks = await networksOff(name);
      const until = deps.now() + SETTLE_MS;
      for (;;) {
        // Its agent removes by this list what no plan names: a stray device, or a network from before an earlier removal.
        overlays.push(name);
        const look = (await hub.call(name, { method: 'look' }, LOOK_TIMEOUT_MS)) as HostObservation;
        const left = [...look.networks.map((one) => `network ${one.name}`), ...look.vxlans.map((one) => `device ${one.device}`)];
        if (left.length === 0) break;
        if (deps.now() > until)
          throw new ArpanetError('conflict', `still on ${name}: ${left.join(', ')}; containers made on the host itself may be on them`);
        await pause(500);
      }
      hub.drop(name);
      log.info({ host: name, networks }, 'host reset');
      while (!(hub.connected(name) && view.host(name)?.state === 'alive')) {
        if (deps.now() > until)
          throw new ArpanetError('timeout', `${name} is reset, but its agent has not reconnected yet: "arpanet hosts"`);
        await pause(200);
      }
      return { networks };
    },
  };
}
