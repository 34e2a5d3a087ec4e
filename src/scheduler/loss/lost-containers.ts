/**
 * What was lost with a host and is to be removed when the host is back; and replacements that failed. A record (LostRecord) is stored before anything
 * else; it counts from the moment in which the name belongs to another container. Effects: writes to the ledger; calls to agents and Engines.
 */
import { ArpanetError, type ContainerRecord, keys, type LeaseRecord, type LostRecord } from '../../model/index.ts';
import { commitInPieces, type Core, rememberHost } from '../core.ts';
import { isCounting, isDue } from './lost-records.ts';
import type { Overlays } from '../networks/overlays.ts';
import type { YieldedAddresses } from './yielded-addresses.ts';

const ENGINE_TIMEOUT_MS = 20_000;

export interface Lost {
  /** Removes from a host that is back what was replaced or removed meanwhile. False: something could not be done yet. */
  readonly returned: (host: string) => Promise<boolean>;
  /** Undoes a replacement that failed: the name belongs to the lost container again. */
  readonly restore: (record: ContainerRecord) => Promise<void>;
}

export function createLost(core: Core, overlays: Overlays, yielded: Pick<YieldedAddresses, 'returned'>): Lost {
  const { deps, engines, syncs, commit } = core;
  const { ledger, dhcp, log } = deps;

  const lostRecordOf = (id: string): LostRecord | undefined => ledger.get<LostRecord>(keys.lostContainer(id));
  const recordOf = (name: string): ContainerRecord | undefined => ledger.get<ContainerRecord>(keys.container(name));

  /** Informs a host that could not be informed of earlier losses; its own overlay packets are not dropped any more. */
  async function catchUp(host: string): Promise<void> {
    const missed = ledger.list<LostRecord>(keys.lost).filter(([, { uninformed }]) => uninformed?.includes(host));
    if (missed.length === 0) return;
    await overlays.fence(host);
    const changes = missed.map(([key, { uninformed = [], ...rest }]) => {
      const left = uninformed.filter((other) => other !== host);
      return { kind: 'put', key, value: left.length === 0 ? rest : { ...rest, uninformed: left } } as const;
    });
    await commitInPieces(commit, changes);
    overlays.pushAll();
  }

  async function remove({ id, name, host, addresses }: LostRecord): Promise<void> {
    // Without `v=1`: its anonymous volumes are data, and stay.
    const answer = await engines.status(host, { method: 'DELETE', path: `/containers/${id}?force=1`, timeoutMs: ENGINE_TIMEOUT_MS });
    if (answer >= 300 && answer !== 404) throw new ArpanetError('engine', `host ${host} did not remove ${name}`, { engineStatus: answer });
    await syncs.sync(host, { containers: [id] });
    const released = Object.entries(addresses).flatMap(([network, ip]) => dhcp.leases.planRelease(network, ip, name));
    await commit([{ kind: 'delete', key: keys.lostContainer(id) }, ...released]);
    await Promise.all(Object.keys(addresses).map((network) => overlays.tidy(network, [host])));
    log.info({ container: name, host }, 'removed a replaced container from a host that reconnected');
  }

  async function returned(host: string): Promise<boolean> {
    let isDone = true;
    let isAny = false;
    try {
      await catchUp(host);
    } catch (error) {
      isDone = false;
      log.warn({ host, err: error }, 'could not send the fenced addresses to a host; trying again later');
    }
    for (const [key, lost] of ledger.list<LostRecord>(keys.lost)) {
      if (lost.host !== host || core.lost.aborted) continue;
      isAny = true;
      const record = recordOf(lost.name);
      try {
        if (isDue(lost, record)) await remove(lost);
        else if (!isCounting(lost, record)) await (lost.yielded === undefined ? commit([{ kind: 'delete', key }]) : yielded.returned(lost));
        else isDone = false;
      } catch (error) {
        isDone = false;
        log.warn({ container: lost.name, host, err: error }, 'could not remove a replaced container; trying again later');
      }
    }
    if (isAny) overlays.pushAll();
    return isDone;
  }

  async function restore(record: ContainerRecord): Promise<void> {
    const { movedFrom, id: _none, ...rest } = record;
    const present = recordOf(record.name);
    if (movedFrom === undefined || present?.id !== undefined || present?.createdAtMs !== record.createdAtMs) return;
    const { id, host } = movedFrom;
    const leases = Object.entries(record.addresses).flatMap(([network, ip]) => {
      const lease = ledger.get<LeaseRecord>(keys.lease(network, ip));
      return lease?.owner === record.name
        ? [{ kind: 'put', key: keys.lease(network, ip), value: { ...lease, host, state: 'bound' } } as const]
        : [];
    });
    const gateways = Object.keys(record.addresses).flatMap((network) => dhcp.leases.planGateway(network, host).changes);
    await commit([{ kind: 'put', key: keys.container(record.name), value: { ...rest, id, host } }, ...leases, ...gateways]);
    const note = lostRecordOf(id);
    const noteKey = keys.lostContainer(id);
    if (note?.yielded !== undefined) await commit([{ kind: 'put', key: noteKey, value: { ...note, isReplaced: false } }]);
    else if (note !== undefined) await commit([{ kind: 'delete', key: noteKey }]);
    rememberHost(core, host);
    overlays.pushAll();
    await Promise.all(Object.keys(record.addresses).map((network) => overlays.tidy(network, [record.host])));
  }

  return { returned, restore };
}
