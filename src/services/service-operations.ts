/** What ops ask for: scale, create, update, roll back, stop, start, restart, remove. Effects: writes to the ledger, calls through act and keep. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ArpanetError,
  type ContainerView,
  type ServiceId,
  type ServiceRecord,
  type ServiceTemplate,
  type ServiceView,
  type UpdateSettings,
  type UpdateStatus,
} from '../model/index.ts';
import type { Act } from './replicas/instance-actions.ts';
import { alreadyBusy, type Core } from './core.ts';
import { newRecord } from './client-calls.ts';
import { inTurns, type Keep } from './replicas/replica-reconciler.ts';
import { dockerName, findService, findServices, keyOf, parseScaling, scaled } from './service-reference.ts';
import { freeNumbers, numberOf } from './replicas/replica-plan.ts';
import type { Progress, Rollout } from './rollout/rollout.ts';
import { essence, instanceName, instanceRequest, scaleRefusal } from './replicas/template.ts';

const SETTLE_TIMEOUT_MS = 60_000;
const DRAIN_MS = 1_000;
const UPDATING = 'being updated';
/** More than a network of the usual size has addresses. */
const MOST_LOOKED_AT = 2_000;

export interface Scaled extends ServiceId {
  readonly from: number;
  readonly to: number;
  readonly running: number;
}

export interface ServiceChange {
  readonly template?: ServiceTemplate;
  readonly desired?: number;
  readonly update?: UpdateSettings;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: ServiceRecord['spec'];
  /** The client's credentials for the image's registry, as `X-Registry-Auth` has them; used for this pull and not kept. */
  readonly registryAuth?: string | undefined;
  /** How long to wait for an operation under way; 0 unless told. */
  readonly patienceMs?: number;
  /** It was asked to go back, by hand. */
  readonly isBack?: boolean;
  /** The version that the change was made from; refused when it is not the present one. */
  readonly version?: number;
}

export interface Changed {
  readonly record: ServiceRecord;
  /** Settles when the rolling update that it began has ended, or has stopped under way; undefined where none was needed. Never rejects. */
  readonly done: Promise<UpdateStatus | undefined>;
}

export interface Changes {
  readonly scale: (wishes: readonly string[], progress: Progress) => Promise<readonly Scaled[]>;
  readonly create: (
    record: Omit<ServiceRecord, 'version' | 'createdAtMs' | 'updatedAtMs' | 'countedAtMs' | 'stopped' | 'origin'>,
    registryAuth?: string,
  ) => Promise<ServiceRecord>;
  readonly update: (reference: string, change: ServiceChange, progress: Progress) => Promise<Changed>;
  readonly rollback: (reference: string, progress: Progress, patienceMs?: number) => Promise<Changed>;
  readonly remove: (references: readonly string[], progress: Progress, patienceMs?: number) => Promise<readonly string[]>;
  readonly power: (how: 'stop' | 'start' | 'restart', references: readonly string[], progress: Progress) => Promise<readonly string[]>;
  /** Goes on with what an earlier leader had begun. */
  readonly resume: () => void;
}

export function createChanges(core: Core, act: Act, keep: Keep, rollout: Rollout): Changes {
  const { deps, lost } = core;

  async function operateAll<T>(ids: readonly ServiceId[], what: string, work: () => Promise<T>): Promise<T> {
    const [first, ...others] = ids;
    return first === undefined ? work() : core.operate(first, what, () => operateAll(others, what, work));
  }

  /** Throws `unplaceable` saying how many fit. Of very many the first are looked at: the leader has other things to do. */
  function mustFit(wishes: readonly { readonly service: ServiceView; readonly to: number }[]): void {
    const creates = wishes.flatMap(({ service, to }) => {
      const { template } = service;
      const numbers = new Set(service.instances.map(numberOf));
      const more = Math.max(0, to - numbers.size);
      if (template === undefined) return [];
      return freeNumbers(numbers, more).map((number) => ({
        service,
        to,
        name: instanceName(template, number),
        request: instanceRequest(template, number),
      }));
    });
    const placements = deps.rehearse(creates.slice(0, MOST_LOOKED_AT));
    const failed = placements.findIndex((placement) => placement.kind === 'refused');
    const refused = placements[failed];
    const wish = creates[failed];
    if (refused?.kind !== 'refused' || wish === undefined) return;
    const { service, to } = wish;
    const placed = placements.filter((placement, index) => placement.kind === 'placed' && creates[index]?.service === service).length;
    const fits = new Set(service.instances.map(numberOf)).size + placed;
    throw new ArpanetError(
      'unplaceable',
      `${keyOf(service)} cannot have ${to} instances: ${fits} fit. For one more, ${refused.message}. Ask for ${keyOf(service)}=${fits}, or make room`,
    );
  }

  /** Brings it to its count and waits until that many run; how many do, in the end. */
  async function settled(id: ServiceId, desired: number): Promise<number> {
    await keep.look(id);
    const endMs = deps.now() + SETTLE_TIMEOUT_MS;
    for (;;) {
      const record = core.record(id);
      const instances = core.instances(id);
      const running = instances.filter((one) => one.facts.inspect.State.Running).length;
      const idle = instances.filter((one) => record?.stopped.includes(one.id)).length;
      if (instances.length === desired && running + idle >= desired) return running;
      if (deps.now() > endMs || record?.desired !== desired) return running;
      await sleep(200, undefined, { signal: lost });
      // nobody else looks while the operation lasts: one that has died meanwhile is started here
      await keep.look(id);
    }
  }

  async function scale(texts: readonly string[], progress: Progress): Promise<readonly Scaled[]> {
    const services = core.list();
    const wishes = texts.map((text) => {
      const scaling = parseScaling(text);
      const service = findService(scaling.reference, services);
      const to = scaled(service.desired, { ...scaling, reference: keyOf(service) });
      const refusal =
        service.record?.isGlobal === true
          ? 'it runs once on every host; take a host out by "arpanet drain" or a constraint'
          : service.template && scaleRefusal(service.template, to);
      if (refusal !== undefined) throw new ArpanetError('invalid', `${keyOf(service)} cannot have ${to} instances: ${refusal}`);
      return { service, to };
    });
    const twice = wishes.find(({ service }, index) => wishes.findIndex((other) => other.service === service) !== index);
    if (twice !== undefined) throw new ArpanetError('invalid', `${keyOf(twice.service)} is given twice: say once how many it shall have`);
    return operateAll(
      wishes.map(({ service }) => service),
      'being scaled',
      async () => {
        mustFit(wishes);
        for (const { service, to } of wishes) await setDesired(service, to);
        await deps.failpoint('scale.written');
        const failures: string[] = [];
        const results = await Promise.all(
          wishes.map(async ({ service, to }): Promise<Scaled> => {
            progress(`${keyOf(service)}: from ${service.desired} to ${to}`);
            const running = await settled(service, to).catch((error: Error) => {
              failures.push(`${keyOf(service)}: ${error.message}`);
              return countRunning(core.instances(service));
            });
            progress(`${keyOf(service)}: ${running} of ${to} running`);
            return { deployment: service.deployment, service: service.service, from: service.desired, to, running };
          }),
        );
        if (failures.length > 0)
          throw new ArpanetError('unavailable', `${failures.join('; ')}. The count is kept, and what is missing is tried again`);
        return results;
      },
    );
  }

  async function setDesired(service: ServiceView, desired: number): Promise<ServiceRecord | undefined> {
    const nowMs = deps.now();
    return core.put(service, (before) => {
      if (before !== undefined) return { ...before, desired, countedAtMs: nowMs, version: before.version + 1, updatedAtMs: nowMs };
      const { template } = service;
      if (template === undefined) throw new ArpanetError('not-found', `no such service: ${keyOf(service)}`);
      return newRecord(service, { origin: 'client', desired, template, nowMs });
    });
  }

  /** Throws `conflict` if another operation still runs on it after this long. */
  async function free(id: ServiceId, patienceMs: number): Promise<void> {
    const endMs = deps.now() + patienceMs;
    while (core.runtime(id).operation !== undefined && deps.now() < endMs) await sleep(100, undefined, { signal: lost });
    const { operation } = core.runtime(id);
    if (operation !== undefined) throw alreadyBusy(id, operation, deps.now());
  }

  async function ensureImage(reference: string | undefined, registryAuth: string | undefined): Promise<void> {
    if (reference === undefined || deps.hasImage(reference)) return;
    await deps.pull(reference, lost, registryAuth);
  }

  async function update(reference: string, change: ServiceChange, progress: Progress): Promise<Changed> {
    const service = findService(reference, core.list());
    await free(service, change.patienceMs ?? 0);
    const { template = service.template, desired = service.desired } = change;
    if (template === undefined) throw new ArpanetError('not-found', `no such service: ${reference}`);
    const refusal = scaleRefusal(template, desired);
    if (refusal !== undefined) throw new ArpanetError('invalid', `${keyOf(service)} cannot have ${desired} instances: ${refusal}`);
    const version = service.record?.version ?? 1;
    if (change.version !== undefined && change.version !== version)
      throw new ArpanetError(
        'conflict',
        `update out of sequence: ${dockerName(service)} is at version ${version}, not ${change.version}; look at it again`,
      );
    await ensureImage(template.request.Image, change.registryAuth);
    const isOther = service.template === undefined || essence(template) !== essence(service.template);
    const isHalfWay = service.record?.status?.state.endsWith('paused') === true && service.outdated.length > 0;
    const isNew = isOther || isHalfWay;
    const nowMs = deps.now();
    const record = await core.put(service, (before) => {
      const base =
        before ?? newRecord(service, { origin: 'client', desired: service.desired, template: service.template ?? template, nowMs });
      return {
        ...base,
        desired,
        ...(desired === base.desired ? {} : { countedAtMs: nowMs }),
        ...(change.update === undefined ? {} : { update: change.update }),
        ...(change.labels === undefined ? {} : { labels: change.labels }),
        ...(change.spec === undefined ? {} : { spec: change.spec }),
        ...(isNew
          ? {
              template,
              ...(isOther ? { previous: base.template } : {}),
              status:
                change.isBack === true
                  ? ({ state: 'rollback_started', startedAtMs: nowMs, message: 'rolled back by hand' } as const)
                  : ({ state: 'updating', startedAtMs: nowMs, message: 'update in progress' } as const),
            }
          : {}),
        version: base.version + 1,
        updatedAtMs: nowMs,
      };
    });
    if (record === undefined) throw new ArpanetError('not-found', `no such service: ${reference}`);
    if (!isNew) {
      if (desired !== service.desired) keep.soon(service, 1);
      return { record, done: Promise.resolve(undefined) };
    }
    return { record, done: run(service, progress) };
  }

  async function run(id: ServiceId, progress: Progress): Promise<UpdateStatus | undefined> {
    try {
      return await core.operate(id, UPDATING, () => rollout.run(id, progress));
    } catch (error) {
      if (!lost.aborted) deps.log.warn({ service: keyOf(id), err: error }, 'an update stopped');
      const message = `the update stopped: ${error instanceof Error ? error.message : String(error)}`;
      progress(`${keyOf(id)}: ${message}`);
      return { state: 'updating', startedAtMs: deps.now(), message };
    } finally {
      keep.soon(id);
    }
  }

  const of = (references: readonly string[]): readonly ServiceView[] => [
    ...new Map(
      references.flatMap((reference) => findServices(reference, core.list())).map((service) => [keyOf(service), service]),
    ).values(),
  ];

  return {
    scale,
    update,
    async create(wish, registryAuth) {
      const known = core.list().find((service) => keyOf(service) === keyOf(wish));
      if (known !== undefined)
        throw new ArpanetError('conflict', `name conflicts with an existing object: service ${dockerName(known)} already exists`);
      const refusal = scaleRefusal(wish.template, wish.desired);
      if (refusal !== undefined) throw new ArpanetError('invalid', `${keyOf(wish)} cannot have ${wish.desired} instances: ${refusal}`);
      await ensureImage(wish.template.request.Image, registryAuth);
      const nowMs = deps.now();
      const record: ServiceRecord = { ...newRecord(wish, { ...wish, origin: 'api', nowMs }), ...wish };
      await core.put(wish, () => record);
      keep.soon(wish, 1);
      return record;
    },
    async rollback(reference, progress, patienceMs = 0) {
      const service = findService(reference, core.list());
      const previous = service.record?.previous;
      if (previous === undefined)
        throw new ArpanetError(
          'invalid',
          `${keyOf(service)} has no earlier version to go back to: it was never updated, or is back there already`,
        );
      return update(reference, { template: previous, isBack: true, patienceMs }, progress);
    },
    async remove(references, progress, patienceMs = 0) {
      const services = of(references);
      for (const service of services) {
        // An update of a service that goes has no aim any more: it ends by itself, once the instance that it is stopping has stopped.
        const isUpdating = core.runtime(service).operation?.what === UPDATING;
        if (isUpdating) await core.put(service, () => undefined);
        await free(service, isUpdating ? SETTLE_TIMEOUT_MS : patienceMs);
      }
      return operateAll(services, 'being removed', async () => {
        const failures = await inTurns(services, 4, async (service) => {
          await core.put(service, () => undefined);
          // An instance that is just being made goes too.
          await Promise.race([core.runtime(service).tail, sleep(SETTLE_TIMEOUT_MS, undefined, { signal: lost, ref: false })]);
          const failed = await inTurns(core.instances(service), 8, async (container) => {
            progress(`${keyOf(service)}: ${container.name} leaves DNS, then stops and goes`);
            await act.remove(container, DRAIN_MS);
          });
          if (failed[0] !== undefined) throw failed[0];
        });
        if (failures[0] !== undefined) throw failures[0];
        for (const deployment of new Set(services.map((service) => service.deployment))) {
          if (!references.includes(deployment)) continue;
          for (const network of await deps.removeNetworks(deployment)) progress(`${deployment}: network ${network} removed`);
        }
        return services.map(keyOf);
      });
    },
    async power(how, references, progress) {
      const services = of(references);
      return operateAll(services, how === 'stop' ? 'being stopped' : `being ${how}ed`, async () => {
        const failures = await inTurns(services, 4, async (service) => {
          const { instances } = service;
          if (service.record !== undefined) {
            const stopped = how === 'stop' ? instances.map((container) => container.id) : [];
            await core.put(service, (before) => before && { ...before, stopped, version: before.version + 1 });
          }
          const failed = await inTurns(instances, 8, async (container) => {
            progress(`${keyOf(service)}: ${how} ${container.name}`);
            if (how === 'start') await act.start(container);
            else await act[how](container, DRAIN_MS);
          });
          if (failed[0] !== undefined) throw failed[0];
        });
        if (failures[0] !== undefined) throw failures[0];
        return services.map(keyOf);
      });
    },
    resume() {
      for (const record of core.records()) {
        const { status } = record;
        if (status?.state === 'updating' || status?.state === 'rollback_started') void run(record, () => undefined);
      }
    },
  };
}

const countRunning = (instances: readonly ContainerView[]) => instances.filter((one) => one.facts.inspect.State.Running).length;
