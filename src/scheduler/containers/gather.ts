/**
 * Containers that were created and never started, and whose network, IPC or PID namespace somebody wants who has to be where his volume is, on another
 * host: they are made again there, under their names and addresses, and their ids lead to the new ones. So a client may create them in any order
 * (compose v2 creates all before it starts one). What runs, or has a volume, stays. Effects: writes to the ledger; calls to Engines.
 */
import { randomUUID } from 'node:crypto';
import type { CreatedContainer } from '../../contracts/index.ts';
import { ArpanetError, type ContainerRecord, type ContainerView, type CreateContainer, keys, type LostRecord } from '../../model/index.ts';
import type { Core } from '../core.ts';
import type { Overlays } from '../networks/overlays.ts';
import { lendersElsewhere } from '../placement/lenders.ts';
import type { HostSnapshot, PlacementRequest } from '../placement/snapshot.ts';
import type { ViewReader } from '../view/roles.ts';
import { volumesOf } from '../create/identify-needs.ts';
import { isNamedVolume } from '../../text/names.ts';

const API_VERSION = '1.41';
const ENGINE_TIMEOUT_MS = 20_000;

export interface Gathering {
  /** Where the volume is. */
  readonly host: string;
  /** Names, what lends before what borrows from it. */
  readonly containers: readonly string[];
}

const isFresh = ({ record, id, hostState, facts: { inspect } }: ContainerView): boolean =>
  record?.id === id &&
  hostState === 'alive' &&
  inspect.State.Status === 'created' &&
  !volumesOf({ HostConfig: inspect.HostConfig }).volumes.some(isNamedVolume);

function borrowsFrom({ facts }: ContainerView, id: string): boolean {
  const { NetworkMode, IpcMode, PidMode } = facts.inspect.HostConfig;
  return [NetworkMode, IpcMode, PidMode].includes(`container:${id}`);
}

/** What must be made again, and where, before the request fits. Undefined: that is not all that is in its way. Pure. */
export function gatheringFor(
  request: PlacementRequest,
  hosts: readonly HostSnapshot[],
  view: Pick<ViewReader, 'named' | 'containersOn'>,
): Gathering | undefined {
  const lenders = lendersElsewhere(request, hosts);
  if (lenders === undefined) return undefined;
  const all = lenders.containers.flatMap((name) => {
    const lender = view.named(name).find(({ record }) => record !== undefined);
    return lender === undefined
      ? [undefined]
      : [lender, ...view.containersOn(lender.host).filter((other) => borrowsFrom(other, lender.id))];
  });
  const fresh = all.filter((container) => container !== undefined);
  return fresh.length === all.length && fresh.every(isFresh)
    ? { host: lenders.host, containers: [...new Set(fresh.map(({ name }) => name))] }
    : undefined;
}

export type Gather = (gathering: Gathering, signal: AbortSignal) => Promise<void>;

export function createGather(
  { deps, view, engines, syncs, keyed, commit }: Pick<Core, 'deps' | 'view' | 'engines' | 'syncs' | 'keyed' | 'commit'>,
  overlays: Pick<Overlays, 'tidy' | 'pushAll'>,
  create: (creation: CreateContainer & { readonly replacementOf: ContainerRecord }) => Promise<CreatedContainer>,
): Gather {
  const { ledger, log } = deps;
  const recordOf = (name: string) => ledger.get<ContainerRecord>(keys.container(name));

  async function makeAgain(name: string, host: string, signal: AbortSignal): Promise<void> {
    const old = recordOf(name);
    if (old?.id === undefined || old.host === host) return;
    const before = view.byId(old.id);
    if (before === undefined || !isFresh(before)) throw new ArpanetError('conflict', `${name} was started meanwhile`);
    const key = keys.lostContainer(old.id);
    const note: LostRecord = { id: old.id, name, host: old.host, addresses: {}, isReplaced: false, sinceMs: deps.now() };
    await commit([{ kind: 'put', key, value: note }]);
    try {
      const again = { name, platform: undefined, request: old.request, apiVersion: API_VERSION, requestId: randomUUID(), signal };
      await create({ ...again, replacementOf: old, on: host });
    } catch (error) {
      if (recordOf(name)?.id === old.id) {
        await commit([{ kind: 'delete', key }]);
        // nobody has seen it meanwhile
        await syncs.sync(old.host, { containers: [old.id] });
      }
      throw error;
    }
    // with its anonymous volumes: nothing has run on them
    await engines.status(old.host, { method: 'DELETE', path: `/containers/${old.id}?force=1&v=1`, timeoutMs: ENGINE_TIMEOUT_MS });
    await syncs.sync(old.host, { containers: [old.id] });
    await commit([{ kind: 'delete', key }]);
    log.info(
      { container: name, from: old.host, to: host },
      'a container that was never started is made again beside the volume of another',
    );
    for (const network of Object.keys(old.addresses)) await overlays.tidy(network, [old.host]);
    overlays.pushAll();
  }

  return async ({ host, containers }, signal) => {
    for (const name of containers) await keyed.serial(`gather/${name}`, () => makeAgain(name, host, signal));
  };
}
