/**
 * What was lost with a host: its successors elsewhere, under the same name and address, and what must go when the host is back. A note in the
 * store (LostRecord) is written before anything else; it counts from the moment in which the name's record is no longer that container's.
 * Effects: calls to agents and Engines.
 */
import {
  ArpanetError,
  type ContainerRecord,
  type ContainerView,
  isUnreachable,
  keys,
  type LeaseRecord,
  type LostRecord,
} from '../../model/index.ts';
import { commitInPieces, type Core } from '../core.ts';
import { isCounting, isDue } from './lost-records.ts';
import type { Overlays } from '../networks/overlays.ts';
import type { Created, Pipeline } from '../create/pipeline.ts';

const ENGINE_TIMEOUT_MS = 20_000;
const FENCE_TIMEOUT_MS = 3_000;
const API_VERSION = '1.41';

export interface Lost {
  /** Makes a successor of the container, created and not started. Throws `conflict` unless its host is down, `unplaceable` where it cannot go. */
  readonly succeed: (name: string, requestId: string, signal: AbortSignal) => Promise<Created>;
  /** A client has removed it by force while its host is away: it is gone for everybody, and from its host when that is back. */
  readonly abandon: (container: ContainerView) => Promise<void>;
  /** Removes from a host that is back what must go. False: something could not be done yet. */
  readonly returned: (host: string) => Promise<boolean>;
  /** A successor that came to nothing: the lost one is what the name means, as before. */
  readonly restore: (record: ContainerRecord) => Promise<void>;
}

export function createLost(core: Core, overlays: Overlays, pipeline: Pick<Pipeline, 'create'>): Lost {
  const { deps, view, hub, engines, syncs, commit } = core;
  const { ledger, dhcp, log } = deps;

  const noteOf = (id: string): LostRecord | undefined => ledger.get<LostRecord>(keys.lostContainer(id));
  const recordOf = (name: string): ContainerRecord | undefined => ledger.get<ContainerRecord>(keys.container(name));

  /** Hosts that cannot be told of anything: wherever they are, they may see the lost one, and must not see its successors. */
  function away(lost: string): readonly string[] {
    return view.hosts().flatMap(({ name, state }) => (name !== lost && isUnreachable(state) && !hub.connected(name) ? [name] : []));
  }

  /** Every other host exchanges no overlay packets any more with that one, nor with those that cannot be told so. */
  async function fence(host: string, untold: readonly string[]): Promise<void> {
    const others = view.hosts().flatMap(({ name }) => (name === host || untold.includes(name) ? [] : [name]));
    await Promise.all(others.map((other) => tell(other, [host, ...untold])));
  }

  const tell = (host: string, more: readonly string[] = []): Promise<unknown> =>
    hub.call(host, { method: 'fence', addresses: overlays.fencedFor(host, more) }, FENCE_TIMEOUT_MS);

  /** One that was away when others were lost knows by now whom to keep out, and need not be kept out itself any more. */
  async function catchUp(host: string): Promise<void> {
    const notes = ledger.list<LostRecord>(keys.lost).filter(([, { untold }]) => untold?.includes(host));
    if (notes.length === 0) return;
    await tell(host);
    const changes = notes.map(([key, { untold = [], ...note }]) => {
      const left = untold.filter((other) => other !== host);
      return { kind: 'put', key, value: left.length === 0 ? note : { ...note, untold: left } } as const;
    });
    await commitInPieces(commit, changes);
    pushAll();
  }

  function pushAll(): void {
    for (const host of hub.hosts()) void overlays.push(host);
  }

  async function succeed(name: string, requestId: string, signal: AbortSignal): Promise<Created> {
    const old = recordOf(name);
    if (old?.id === undefined) throw new ArpanetError('not-found', `No such container: ${name}`);
    const host = view.host(old.host);
    if (host?.state !== 'down') throw new ArpanetError('conflict', `${name} is not lost: host ${old.host} is ${host?.state ?? 'unknown'}`);
    const key = keys.lostContainer(old.id);
    const untold = away(old.host);
    const note: LostRecord = { id: old.id, name, host: old.host, addresses: {}, isSucceeded: true, sinceMs: deps.now() };
    await commit([{ kind: 'put', key, value: untold.length === 0 ? note : { ...note, untold } }]);
    try {
      await fence(old.host, untold);
      if (view.host(old.host)?.state !== 'down') throw new ArpanetError('conflict', `host ${old.host} is back`);
      const { request } = old;
      const create = { name, platform: undefined, request: withoutOldNeighbour(request), apiVersion: API_VERSION, requestId, signal };
      const created = await pipeline.create({ ...create, successorOf: old });
      log.warn({ container: name, from: old.host, to: recordOf(name)?.host }, 'a lost container has a successor');
      for (const network of Object.keys(old.addresses)) await overlays.tidy(network, [old.host]);
      return created;
    } catch (error) {
      if (recordOf(name)?.id === old.id) await commit([{ kind: 'delete', key }]);
      throw error;
    } finally {
      pushAll();
    }
  }

  async function abandon(container: ContainerView): Promise<void> {
    const record = container.record && recordOf(container.record.name);
    if (record?.id !== container.id)
      throw new ArpanetError('unavailable', `host ${container.host} is ${container.hostState}: ${container.name} cannot be removed now`);
    const { id, name, host, addresses } = record;
    const note: LostRecord = { id, name, host, addresses, isSucceeded: false, sinceMs: deps.now() };
    await commit([
      { kind: 'delete', key: keys.container(name) },
      { kind: 'put', key: keys.lostContainer(id), value: note },
    ]);
    log.warn({ container: name, host }, 'removed while its host is away: it goes when the host is back');
  }

  async function remove(note: LostRecord): Promise<void> {
    const { id, name, host, addresses } = note;
    // Its anonymous volumes stay: they are data.
    const answer = await engines.status(host, { method: 'DELETE', path: `/containers/${id}?force=1`, timeoutMs: ENGINE_TIMEOUT_MS });
    if (answer >= 300 && answer !== 404) throw new ArpanetError('engine', `host ${host} did not remove ${name}`, { engineStatus: answer });
    await syncs.sync(host, { containers: [id] });
    const released = Object.entries(addresses).flatMap(([network, ip]) => dhcp.planRelease(network, ip, name));
    await commit([{ kind: 'delete', key: keys.lostContainer(id) }, ...released]);
    await Promise.all(Object.keys(addresses).map((network) => overlays.tidy(network, [host])));
    log.info({ container: name, host }, 'a host that is back had a container of before: removed');
  }

  async function returned(host: string): Promise<boolean> {
    let isDone = true;
    let isAny = false;
    try {
      await catchUp(host);
    } catch (error) {
      isDone = false;
      log.warn({ host, err: error }, 'could not tell a host whom to keep out; the next run tries again');
    }
    for (const [key, note] of ledger.list<LostRecord>(keys.lost)) {
      if (note.host !== host || core.lost.aborted) continue;
      isAny = true;
      const record = recordOf(note.name);
      try {
        if (isDue(note, record)) await remove(note);
        else if (!isCounting(note, record)) await commit([{ kind: 'delete', key }]);
        else isDone = false;
      } catch (error) {
        isDone = false;
        log.warn({ container: note.name, host, err: error }, 'could not remove what its successor stands for; the next run tries again');
      }
    }
    if (isAny) pushAll();
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
    const gateways = Object.keys(record.addresses).flatMap((network) => dhcp.planGateway(network, host).changes);
    await commit([{ kind: 'put', key: keys.container(record.name), value: { ...rest, id, host } }, ...leases, ...gateways]);
    if (noteOf(id) !== undefined) await commit([{ kind: 'delete', key: keys.lostContainer(id) }]);
    core.remember(host);
    pushAll();
    await Promise.all(Object.keys(record.addresses).map((network) => overlays.tidy(network, [record.host])));
  }

  return { succeed, abandon, returned, restore };
}

/** compose asks that a recreated container be where the old one is: that host is lost. */
function withoutOldNeighbour(request: ContainerRecord['request']): ContainerRecord['request'] {
  if (!request.Env) return request;
  return { ...request, Env: request.Env.filter((entry) => !/^affinity:container==[0-9a-f]{64}$/.test(entry)) };
}
