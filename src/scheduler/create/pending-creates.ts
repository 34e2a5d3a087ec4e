/**
 * What a client names while it may or may not exist: a create that is under way, or was begun and not answered, or whose host has not reported
 * of it yet. It must not be called unknown and come up afterwards; and a container must not be started while its create may yet be undone, for
 * only one that never ran goes without asking when its record has gone. Effects: calls to agents and Engines.
 */
import { ArpanetError, type ContainerRecord, type ContainerView, keys } from '../../model/index.ts';
import type { Adopt } from '../containers/adopt.ts';
import { claimOf, type Judge } from '../containers/judge.ts';
import { isAsCreated } from '../containers/label-claims.ts';
import { containerRecords, type Core } from '../core.ts';
import type { Lifecycle } from '../containers/lifecycle.ts';
import type { CreatesInProgress } from './creates-in-progress.ts';
import { incompleteCreate } from './refusals.ts';
import { resolveContainer } from '../view/resolve-container.ts';
import { withoutSlash } from '../../text/names.ts';
import { isIdPrefix, SHORT_ID_LENGTH } from '../../text/references.ts';
import { within } from '../../async/within.ts';

export interface PendingCreates {
  /** Whether it is in the view now, and here to stay. False: there is no such container. Throws `unavailable` while that cannot be known. */
  readonly awaited: (reference: string) => Promise<boolean>;
  /**
   * The same for a removal: a create that was begun, was never answered, and cannot be finished or undone now, as its host is unreachable, is abandoned.
   * Whether it was: its name and addresses are free, and what the host may have of it goes when the host is back.
   */
  readonly abandon: (reference: string) => Promise<boolean>;
}

const CREATE_WAIT_MS = 10_000;

export interface PendingCreatesParts {
  readonly core: Core;
  readonly adopt: Pick<Adopt, 'host'>;
  readonly lifecycle: Pick<Lifecycle, 'forget'>;
  readonly creates: Pick<CreatesInProgress, 'ended'>;
}

export function createPendingCreates({ core, adopt, lifecycle, creates }: PendingCreatesParts): PendingCreates {
  const { deps, view, syncs, judge } = core;

  const nameOf = (reference: string): string => inView(reference)?.name ?? withoutSlash(reference);

  function recordOf(reference: string): ContainerRecord | undefined {
    const named = deps.ledger.get<ContainerRecord>(keys.container(nameOf(reference)));
    return named ?? containerRecords(deps).find(({ id }) => id !== undefined && isIdPrefix(reference, id, SHORT_ID_LENGTH));
  }

  function inView(reference: string): ContainerView | undefined {
    try {
      return resolveContainer(reference, view);
    } catch {
      return undefined;
    }
  }

  function isShown(reference: string): boolean {
    const container = inView(reference);
    return container !== undefined && !isBegun(container, judge);
  }

  /** Undefined: it is shown, or there is no record of it. */
  async function unsettled(reference: string): Promise<ContainerRecord | undefined> {
    const name = nameOf(reference);
    const ended = creates.ended(name);
    if (ended !== undefined)
      await within(CREATE_WAIT_MS, ended, () => new ArpanetError('unavailable', `container ${name} is being created: try again`));
    const record = recordOf(reference);
    if (record === undefined || isShown(reference)) return undefined;
    if (record.id === undefined) await adopt.host(record.host);
    else await syncs.sync(record.host, { containers: [record.id] });
    return isShown(reference) ? undefined : recordOf(reference);
  }

  return {
    async awaited(reference) {
      const record = await unsettled(reference);
      if (record?.id === undefined && record !== undefined) throw incompleteCreate(record);
      if (record !== undefined && view.host(record.host)?.state !== 'alive')
        throw new ArpanetError('unavailable', `host ${record.host} has not reported container ${record.name} yet: try again`);
      return isShown(reference);
    },
    async abandon(reference) {
      const record = await unsettled(reference);
      // a rename's claim has no request; a successor stands for one that was acknowledged
      if (record === undefined || record.id !== undefined || record.requestId === undefined || record.movedFrom !== undefined) return false;
      deps.log.warn({ container: record.name, host: record.host }, 'abandoned an incomplete create: its client removes it');
      await lifecycle.forget(record);
      return true;
    },
  };
}

/** Made by us, never started, and no record is its own: its create has not come to its end, or was undone. */
function isBegun(container: ContainerView, judge: Judge): boolean {
  const { record, facts } = container;
  const claim = record === undefined ? claimOf(judge, container) : undefined;
  return claim !== undefined && isAsCreated(facts.inspect, claim.labelled);
}
