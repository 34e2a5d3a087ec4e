/**
 * Replaces a container that is lost with its host, under the same name and addresses; and removes one while its host is unreachable. Both first store a
 * record (LostRecord) of what is to be removed when the host is back. Effects: writes to the ledger; calls to agents and Engines.
 */
import type { CreatedContainer } from '../../contracts/index.ts';
import { ArpanetError, type ContainerRecord, type ContainerView, isUnreachable, keys, type LostRecord } from '../../model/index.ts';
import type { Core } from '../core.ts';
import type { Pipeline } from '../create/pipeline.ts';
import type { Overlays } from '../networks/overlays.ts';

const API_VERSION = '1.41';

export interface ReplaceLost {
  /** Creates the replacement, not started. Throws `conflict` unless the host is down, `unplaceable` where no host takes it, `not-found`. */
  readonly replace: (name: string, requestId: string, signal: AbortSignal) => Promise<CreatedContainer>;
  /** For a client's forced removal while the host is unreachable: removes the container for everybody, and from its host when that is back. */
  readonly abandon: (container: ContainerView) => Promise<void>;
}

export function createReplaceLost(core: Core, overlays: Overlays, pipeline: Pick<Pipeline, 'create'>): ReplaceLost {
  const { deps, view, hub, commit } = core;
  const { ledger, log } = deps;

  const recordOf = (name: string): ContainerRecord | undefined => ledger.get<ContainerRecord>(keys.container(name));

  /** Hosts that cannot be informed now. Wherever they are, they may reach the lost container, and must not reach its replacement. */
  function unreachable(lost: string): readonly string[] {
    return view.hosts().flatMap(({ name, state }) => (name !== lost && isUnreachable(state) && !hub.connected(name) ? [name] : []));
  }

  /** Every other host drops the overlay packets of that one, and of those that cannot be informed. */
  async function fence(host: string, uninformed: readonly string[]): Promise<void> {
    const others = view.hosts().flatMap(({ name }) => (name === host || uninformed.includes(name) ? [] : [name]));
    await Promise.all(others.map((other) => overlays.fence(other, [host, ...uninformed])));
  }

  async function replace(name: string, requestId: string, signal: AbortSignal): Promise<CreatedContainer> {
    const old = recordOf(name);
    if (old?.id === undefined) throw new ArpanetError('not-found', `No such container: ${name}`);
    const host = view.host(old.host);
    if (host?.state !== 'down') throw new ArpanetError('conflict', `${name} is not lost: host ${old.host} is ${host?.state ?? 'unknown'}`);
    const key = keys.lostContainer(old.id);
    const uninformed = unreachable(old.host);
    const lost: LostRecord = { id: old.id, name, host: old.host, addresses: {}, isReplaced: true, sinceMs: deps.now() };
    await commit([{ kind: 'put', key, value: uninformed.length === 0 ? lost : { ...lost, uninformed } }]);
    try {
      await fence(old.host, uninformed);
      if (view.host(old.host)?.state !== 'down') throw new ArpanetError('conflict', `host ${old.host} has reconnected`);
      const { request } = old;
      const create = { name, platform: undefined, request: withoutOldAffinity(request), apiVersion: API_VERSION, requestId, signal };
      const created = await pipeline.create({ ...create, replacementOf: old });
      log.warn({ container: name, from: old.host, to: recordOf(name)?.host }, 'lost container replaced');
      for (const network of Object.keys(old.addresses)) await overlays.tidy(network, [old.host]);
      return created;
    } catch (error) {
      if (recordOf(name)?.id === old.id) await commit([{ kind: 'delete', key }]);
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
    const lost: LostRecord = { id, name, host, addresses, isReplaced: false, sinceMs: deps.now() };
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
