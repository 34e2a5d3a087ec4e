/**
 * Moves one instance to another host: a healthy one takes over before it is deregistered and removed. The instance keeps its
 * name, number and address; a substitute takes over meanwhile, where there can be two of it. What has begun is in the store, so that the next
 * leader finishes it. Effects: those of instance-actions; writes to the ledger; timers.
 */
import {
  ArpanetError,
  type ContainerView,
  isKind,
  isUnreachable,
  keys,
  type MigrationRecord,
  type ServiceId,
  UPDATE_DEFAULTS,
  type ServiceView,
  serviceKey,
} from '../../model/index.ts';
import type { InstanceActions } from '../replicas/instance-actions.ts';
import type { Core } from '../core.ts';
import { numberOf, OUR_REQUEST } from '../replicas/replica-plan.ts';
import { instanceRequest, scaleRefusal } from '../replicas/template.ts';
import { fitness } from '../rollout/rollout-plan.ts';
import { newRecord } from '../service-record.ts';
import { pauseWhileLeading } from '../leading.ts';

export interface Migrations {
  /** Resolves with the replacement; `to`: only on that host. Throws `conflict` when the replacement fails: the instance is then where it was. */
  readonly move: (id: ServiceId, container: ContainerView, to?: string) => Promise<ContainerView>;
  /** Finishes what an earlier leader began. */
  readonly resume: () => Promise<void>;
}

const LOOK_EVERY_MS = 200;
/** Its host may die while it is taken away, be called down then, and come back: so often it is tried again. */
const REMOVALS = 3;

const isReplacement = (one: ContainerView, { from }: MigrationRecord, number: number): boolean =>
  numberOf(one) === number && one.id !== from && one.record?.requestId?.startsWith(OUR_REQUEST) === true;

export function createMigrations(core: Core, actions: InstanceActions): Migrations {
  const { deps, lost } = core;
  const { ledger, log } = deps;

  const keyIn = (id: ServiceId) => keys.migration(id.deployment, id.service);

  const containers = deps.scheduler.containers.list;

  /** Its replacement under this number, healthy; made if there is none yet. Removed where it fails. */
  async function ready(record: MigrationRecord, number: number, to: string | undefined): Promise<ContainerView> {
    const view = core.view(record);
    const { template } = view;
    if (template === undefined) throw new ArpanetError('not-found', `${serviceKey(record)} no longer exists`);
    const begun = view.instances.find((one) => isReplacement(one, record, number));
    const id = begun?.id ?? (await actions.add(template, number, to));
    if (begun?.facts.inspect.State.Status === 'created') await actions.start(begun);
    const settings = view.record?.update ?? UPDATE_DEFAULTS;
    const sinceMs = deps.now();
    for (;;) {
      const made = containers().find((one) => one.id === id);
      const state = fitness(made, settings, sinceMs, deps.now());
      if (state === 'healthy' && made !== undefined) return made;
      if (typeof state === 'object') {
        if (made !== undefined) await actions.remove(made, 0, view.record);
        throw new ArpanetError('conflict', `its replacement failed: ${state.failed}`);
      }
      await pauseWhileLeading(LOOK_EVERY_MS, lost);
    }
  }

  /** In its place, under its own name, number and address; the substitute, if that cannot be made. */
  async function inItsPlace(record: MigrationRecord, number: number, substitute: ContainerView | undefined): Promise<ContainerView> {
    const { drainMs } = core.record(record)?.update ?? UPDATE_DEFAULTS;
    const made = await ready(record, number, record.to).catch((error: unknown) => {
      if (substitute === undefined || lost.aborted) throw error;
      log.warn({ container: record.name, instead: substitute.name, err: error }, 'a substitute stays in the place of its instance');
      return substitute;
    });
    if (substitute !== undefined && made !== substitute) await takenAway(record, substitute.id, drainMs);
    return made;
  }

  /** Its host may die meanwhile; once that is called down, a second attempt gives the instance up there. */
  async function takenAway(record: MigrationRecord, substitute: string, drainMs: number): Promise<void> {
    const attempt = async (): Promise<void> => {
      const now = containers().find((one) => one.id === substitute);
      if (now !== undefined) await actions.remove(now, drainMs, core.record(record));
    };
    await attempt().catch(async (error: unknown) => {
      if (lost.aborted) throw error;
      log.info({ container: record.name, err: error }, 'the substitute of an instance that has moved is taken away once more');
      await attempt();
    });
  }

  /** The container, once it is known whether its host is connected: a new leader waits for that. */
  async function decided(id: string): Promise<ContainerView | undefined> {
    for (;;) {
      const found = containers().find((one) => one.id === id);
      if (found?.hostState !== 'joining') return found;
      await pauseWhileLeading(LOOK_EVERY_MS, lost);
    }
  }

  /**
   * The instance itself, in the place that it leaves. One that is lost with its host cannot be removed there, and has its address until then: it is replaced,
   * as what a lost host had is, under its name and address.
   */
  async function takenOff(record: MigrationRecord): Promise<void> {
    const kept = core.record(record);
    for (let attempt = 1; ; attempt++) {
      const before = await decided(record.from);
      // without a record it has been removed, and its host has died before it said so
      if (before === undefined || (attempt > 1 && before.record === undefined)) return;
      try {
        const isLost = isUnreachable(before.hostState) && record.keeps !== undefined;
        return await (isLost ? actions.replaceLost(before) : actions.remove(before, (kept?.update ?? UPDATE_DEFAULTS).drainMs, kept));
      } catch (error) {
        if (lost.aborted || attempt === REMOVALS || !isKind(error, 'unavailable', 'timeout', 'conflict')) throw error;
        log.info({ container: record.name, host: record.host, err: error }, 'an instance that moves is taken off its host once more');
      }
    }
  }

  async function finish(record: MigrationRecord): Promise<ContainerView> {
    const { number, keeps } = record;
    const old = () => containers().find((one) => one.id === record.from);
    const begun = (of: number) => core.instances(record).find((one) => isReplacement(one, record, of));
    const isOneAtATime = keeps === number;
    const isBegun = begun(number) !== undefined || (keeps !== undefined && begun(keeps) !== undefined) || isOneAtATime;
    if (old() === undefined && !isBegun) throw new ArpanetError('not-found', `${record.name} no longer exists`);
    const isToStart = !isOneAtATime && (old() !== undefined || keeps === undefined);
    const first = isToStart ? await ready(record, number, keeps === undefined ? record.to : undefined) : begun(number);
    await takenOff(record);
    if (keeps !== undefined) return inItsPlace(record, keeps, isOneAtATime ? undefined : first);
    if (first === undefined) throw new ArpanetError('not-found', `${record.name} no longer exists`);
    return first;
  }

  /** The caller holds the service. Whatever the outcome, the record of it goes, unless this scheduler no longer leads. */
  async function run(record: MigrationRecord): Promise<ContainerView> {
    try {
      return await finish(record);
    } finally {
      if (!lost.aborted) await ledger.commit([{ kind: 'delete', key: keyIn(record) }]);
    }
  }

  /** It has to stop before it is made elsewhere. Throws `conflict` where no host takes it. */
  function refuseUnfit({ template }: ServiceView, { name }: ContainerView, number: number): void {
    const create = template && { name, request: instanceRequest(template, number), isReplacement: true };
    const [placement] = create === undefined ? [] : deps.rehearse([create]);
    if (placement?.kind === 'refused') throw new ArpanetError('conflict', placement.message);
  }

  /** Held while it moves: what cannot be made at once is tried again. */
  async function whileHeld<T>(service: ServiceView, act: () => Promise<T>): Promise<T> {
    const { template } = service;
    if (template === undefined || core.record(service) !== undefined) return act();
    const held = newRecord(service, { origin: 'client', desired: 1, template, nowMs: deps.now() });
    await core.put(service, () => held);
    const made = await act();
    await core.put(service, (before) => (before?.version === held.version ? undefined : before));
    return made;
  }

  async function moved(id: ServiceId, container: ContainerView, to: string | undefined): Promise<ContainerView> {
    const { deployment, service } = id;
    const { name, host } = container;
    const view = core.view(id);
    const own = numberOf(container);
    const isAlone = view.template !== undefined && scaleRefusal(view.template, 2) !== undefined;
    if (isAlone) refuseUnfit(view, container, own);
    const taken = new Set(view.instances.map(numberOf));
    const number = isAlone ? own : Math.max(...taken, own) + 1;
    const record: MigrationRecord = {
      deployment,
      service,
      from: container.id,
      name,
      host,
      number,
      keeps: own,
      ...(to === undefined ? {} : { to }),
      startedAtMs: deps.now(),
    };
    await ledger.commit([{ kind: 'put', key: keyIn(id), value: record }]);
    return isAlone ? whileHeld(view, () => run(record)) : run(record);
  }

  return {
    move: (id, container, to) => core.operate(id, `being moved off ${container.host}`, () => moved(id, container, to)),
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
