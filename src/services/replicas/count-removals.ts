/**
 * What the removal of instances means for the count. A mark is stored before an Engine is asked, so that the next leader does not create them again when
 * this one dies in between. Effects: writes to the ledger.
 */
import type { ContainerView, ServiceId, ServiceRecord } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { numberOf } from './replica-plan.ts';

export interface CountRemovals {
  /** A client is about to remove this instance. */
  readonly mark: (id: ServiceId, container: ContainerView) => Promise<void>;
  /** It was not removed. */
  readonly unmark: (id: ServiceId, container: ContainerView) => Promise<void>;
  /** A client has removed these: the desired count falls by as many, unless compose has created another with the same number. */
  readonly settleRemoved: (id: ServiceId, gone: readonly number[]) => Promise<void>;
  /** Settles the marks that an earlier leader, or a call that was cancelled, has left. True: there were some. */
  readonly settle: (id: ServiceId, record: ServiceRecord) => Promise<boolean>;
}

export function createCountRemovals(core: Core): CountRemovals {
  const { deps } = core;

  async function settleRemoved(id: ServiceId, gone: readonly number[]): Promise<void> {
    const left = core.instances(id);
    const numbers = new Set(left.map(numberOf));
    const fewer = new Set(gone.filter((number) => !numbers.has(number))).size;
    const ids = new Set(left.map((container) => container.id));
    await core.put(id, (before) => {
      if (before === undefined) return undefined;
      const desired = Math.max(0, before.desired - fewer);
      if (before.origin === 'client' && left.length === 0 && desired === 0) return undefined;
      const stopped = before.stopped.filter((one) => ids.has(one));
      const removing = (before.removing ?? []).filter((one) => ids.has(one.id));
      return { ...before, desired, stopped, removing, countedAtMs: deps.now(), version: before.version + 1, updatedAtMs: deps.now() };
    });
    const isEmpty = !deps.scheduler.containers.list().some((container) => container.record?.deployment === id.deployment);
    if (!isEmpty) return;
    for (const record of core.records()) {
      if (record.deployment === id.deployment && record.origin === 'client' && record.desired === 0)
        await core.put(record, () => undefined);
    }
  }

  async function setMark(id: ServiceId, container: ContainerView, isMarked: boolean): Promise<void> {
    await core.put(id, (before) => {
      const marks = before?.removing ?? [];
      if (before === undefined || marks.some((one) => one.id === container.id) === isMarked) return before;
      const others = marks.filter((one) => one.id !== container.id);
      return { ...before, removing: isMarked ? [...others, { id: container.id, number: numberOf(container) }] : others };
    });
  }

  return {
    mark: (id, container) => setMark(id, container, true),
    unmark: (id, container) => setMark(id, container, false),
    settleRemoved,
    async settle(id, { removing = [] }) {
      const instances = core.instances(id);
      const unseen = new Set(core.unseen(id).map(({ number }) => number));
      const find = (mark: { readonly id: string }) => instances.find((container) => container.id === mark.id);
      const gone = removing.filter((mark) => find(mark) === undefined && !unseen.has(mark.number));
      const alive = removing.flatMap((mark) => find(mark) ?? []).filter((container) => container.hostState === 'alive');
      for (const container of alive) await setMark(id, container, false);
      if (gone.length > 0)
        await settleRemoved(
          id,
          gone.map(({ number }) => number),
        );
      return gone.length + alive.length > 0;
    },
  };
}
