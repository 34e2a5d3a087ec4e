/**
 * Replaces a container that is lost with its host, under the same name and addresses; and removes one while its host is unreachable. Both first store a
 * record (LostRecord) of what is to be removed when the host is back. Effects: writes to the ledger; calls to agents and Engines.
 */
import type { CreatedContainer } from '../../contracts/index.ts';
import { ArpanetError, type ContainerRecord, type ContainerView, keys, type LostRecord } from '../../model/index.ts';
import type { Core } from '../core.ts';
import type { Pipeline } from '../create/pipeline.ts';
import type { Overlays } from '../networks/overlays.ts';
import type { FenceOff } from './fence-off.ts';

const API_VERSION = '1.41';

export interface ReplaceLost {
  /** Creates the replacement, not started. Throws `conflict` unless the host is down, `unplaceable` where no host takes it, `not-found`. */
  readonly replace: (name: string, requestId: string, signal: AbortSignal) => Promise<CreatedContainer>;
  /** For a client's forced removal while the host is unreachable: removes the container for everybody, and from its host when that is back. */
  readonly abandon: (container: ContainerView) => Promise<void>;
}

export function createReplaceLost(core: Core, overlays: Overlays, pipeline: Pick<Pipeline, 'create'>, fenceOff: FenceOff): ReplaceLost {
  const { deps, view, commit } = core;
  const { ledger, log } = deps;

  const recordOf = (name: string): ContainerRecord | undefined => ledger.get<ContainerRecord>(keys.container(name));

  async function replace(name: string, requestId: string, signal: AbortSignal): Promise<CreatedContainer> {
    const old = recordOf(name);
    if (old?.id === undefined) throw new ArpanetError('not-found', `No such container: ${name}`);
    const host = view.host(old.host);
    if (host?.state !== 'down') throw new ArpanetError('conflict', `${name} is not lost: host ${old.host} is ${host?.state ?? 'unknown'}`);
    const key = keys.lostContainer(old.id);
    const uninformed = fenceOff.uninformed(old.host);
    const before = deps.ledger.get<LostRecord>(key);
    const { yielded } = before ?? {};
    const own: LostRecord = { id: old.id, name, host: old.host, addresses: {}, isReplaced: true, sinceMs: deps.now() };
    const lost: LostRecord = yielded === undefined ? own : { ...own, yielded };
    await commit([{ kind: 'put', key, value: uninformed.length === 0 ? lost : { ...lost, uninformed } }]);
    try {
      await fenceOff.fence(old.host, uninformed);
      if (view.host(old.host)?.state !== 'down') throw new ArpanetError('conflict', `host ${old.host} has reconnected`);
      const { request } = old;
      const create = { name, platform: undefined, request: withoutOldAffinity(request), apiVersion: API_VERSION, requestId, signal };
      const created = await pipeline.create({ ...create, replacementOf: old });
      log.warn({ container: name, from: old.host, to: recordOf(name)?.host }, 'lost container replaced');
      for (const network of Object.keys(old.addresses)) await overlays.tidy(network, [old.host]);
      return created;
    } catch (error) {
      if (recordOf(name)?.id === old.id)
        await commit([before === undefined ? { kind: 'delete', key } : { kind: 'put', key, value: before }]);
      throw error;
    } finally {
      overlays.pushAll();
    }
  }

  async function abandon(container: ContainerView): Promise<void> {
    const record = container.record && recordOf(container.record.name);
    if (record?.id !== container.id)
      throw new ArpanetError('unavailable', `host ${container.host} is ${container.hostState}: ${container.name} cannot be removed now`);
    const { id, name, host, addresses } = record;
    // others may have an address of it by now: its host stays fenced
    const isReplaced = ledger.get<LostRecord>(keys.lostContainer(id))?.yielded !== undefined;
    const lost: LostRecord = { id, name, host, addresses, isReplaced, sinceMs: deps.now() };
    await commit([
      { kind: 'delete', key: keys.container(name) },
      { kind: 'put', key: keys.lostContainer(id), value: lost },
    ]);
    log.warn({ container: name, host }, 'container removed while its host is unreachable; it is deleted there when the host reconnects');
  }

  return { replace, abandon };
}

/** compose v1 asks by an affinity that a recreated container is placed on the old one's host, which is lost. */
function withoutOldAffinity(request: ContainerRecord['request']): ContainerRecord['request'] {
  if (!request.Env) return request;
  return { ...request, Env: request.Env.filter((entry) => !/^affinity:container==[0-9a-f]{64}$/.test(entry)) };
}
