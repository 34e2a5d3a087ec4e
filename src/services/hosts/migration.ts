/**
 * Moves one instance to another host: its replacement is healthy there before it is deregistered and removed. What has begun is in the store, so
 * that the next leader finishes it. Effects: those of instance-actions; writes to the ledger; timers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ArpanetError,
  type ContainerView,
  keys,
  type MigrationRecord,
  type ServiceId,
  UPDATE_DEFAULTS,
  serviceKey,
} from '../../model/index.ts';
import type { InstanceActions } from '../replicas/instance-actions.ts';
import type { Core } from '../core.ts';
import { freeNumbers, numberOf, OUR_REQUEST } from '../replicas/replica-plan.ts';
import { fitness } from '../rollout/rollout-plan.ts';

export interface Migrations {
  /** Resolves with the replacement; `to`: only on that host. Throws `conflict` when the replacement fails: the instance is then where it was. */
  readonly move: (id: ServiceId, container: ContainerView, to?: string) => Promise<ContainerView>;
  /** Finishes what an earlier leader began. */
  readonly resume: () => Promise<void>;
}

const LOOK_EVERY_MS = 200;

export function createMigrations(core: Core, actions: InstanceActions): Migrations {
  const { deps, lost } = core;
  const { ledger, log } = deps;

  const keyIn = (id: ServiceId) => keys.migration(id.deployment, id.service);

  async function finish(record: MigrationRecord): Promise<ContainerView> {
    const view = core.view(record);
    const { template } = view;
    if (template === undefined) throw new ArpanetError('not-found', `${serviceKey(record)} no longer exists`);
    const isReplacement = (one: ContainerView) =>
      numberOf(one) === record.number && one.id !== record.from && one.record?.requestId?.startsWith(OUR_REQUEST) === true;
    const begun = view.instances.find(isReplacement);
    const old = () => deps.scheduler.containers.list().find((one) => one.id === record.from);
    if (begun === undefined && old() === undefined) throw new ArpanetError('not-found', `${record.name} no longer exists`);
    const id = begun?.id ?? (await actions.add(template, record.number, record.to));
    if (begun?.facts.inspect.State.Status === 'created') await actions.start(begun);
    const settings = view.record?.update ?? UPDATE_DEFAULTS;
    const sinceMs = deps.now();
    for (;;) {
      const made = deps.scheduler.containers.list().find((one) => one.id === id);
      const state = fitness(made, settings, sinceMs, deps.now());
      if (state === 'healthy' && made !== undefined) {
        const before = old();
        if (before !== undefined) await actions.remove(before, settings.drainMs, view.record);
        return made;
      }
      if (typeof state === 'object') {
        if (made !== undefined) await actions.remove(made, 0, view.record);
        throw new ArpanetError('conflict', `its replacement failed: ${state.failed}`);
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: lost });
    }
  }

  /** The caller holds the service. Whatever the outcome, the record of it goes, unless this scheduler no longer leads. */
  async function run(record: MigrationRecord): Promise<ContainerView> {
    try {
      return await finish(record);
    } finally {
      if (!lost.aborted) await ledger.commit([{ kind: 'delete', key: keyIn(record) }]);
    }
  }

  return {
    move: (id, container, to) =>
      core.operate(id, `being moved off ${container.host}`, async () => {
        const { deployment, service } = id;
        const [number = 1] = freeNumbers(new Set(core.instances(id).map(numberOf)), 1);
        const { name, host } = container;
        const record: MigrationRecord = {
          deployment,
          service,
          from: container.id,
          name,
          host,
          number,
          ...(to === undefined ? {} : { to }),
          startedAtMs: deps.now(),
        };
        await ledger.commit([{ kind: 'put', key: keyIn(id), value: record }]);
        return run(record);
      }),
    async resume() {
      const begun = ledger.list<MigrationRecord>(keys.migrations).map(([, record]) => record);
      await Promise.all(
        begun.map(async (record) => {
          log.info(
            { service: serviceKey(record), container: record.name, from: record.host },
            'finishing a migration that an earlier leader began',
          );
          await core
            .operate(record, `being moved off ${record.host}`, () => run(record))
            .catch((error: unknown) => lost.aborted || log.warn({ service: serviceKey(record), err: error }, 'migration failed'));
        }),
      );
    },
  };
}
