/** Begins, shows, promotes and aborts canaries (canary-plan.ts). Effects: those of create, update and remove; writes to the ledger; the cluster's events. */
import type { Canaries, Progress, Services } from '../../contracts/index.ts';
import {
  ArpanetError,
  serviceKey,
  type ServiceId,
  type ServiceRecord,
  type ServiceView,
  UPDATE_DEFAULTS,
  type UpdateStatus,
} from '../../model/index.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Core } from '../core.ts';
import { pauseWhileLeading } from '../leading.ts';
import type { ReplicaReconciler } from '../replicas/replica-reconciler.ts';
import {
  canaryCount,
  canaryOfService,
  canaryRefusal,
  canaryTemplate,
  promotedTemplate,
  shareOf,
  takenBackText,
} from '../rollout/canary-plan.ts';
import { fitness } from '../rollout/rollout-plan.ts';
import { findService } from '../service-reference.ts';
import { createCanaryWatch } from './canary-watch.ts';

const LOOK_EVERY_MS = 200;

interface Found {
  readonly service: ServiceView;
  readonly canary: ServiceView & { readonly share: number };
}

export interface CanaryParts extends Canaries {
  /** Looks after what an earlier leader began. */
  readonly resume: () => void;
}

export function createCanaries(
  core: Core,
  reconciler: Pick<ReplicaReconciler, 'soon'>,
  { create, update, remove }: Pick<Services, 'create' | 'update' | 'remove'>,
): CanaryParts {
  const { deps, lost } = core;
  const watch = createCanaryWatch(core, { takeBack, promote: promoted });

  function found(reference: string): Found {
    const service = findService(reference, core.list());
    const canary = core.view(canaryOfService(service));
    // instances that an interrupted abort has left have no record any more, and can be aborted
    const share = shareOf(canary);
    if (share === undefined)
      throw new ArpanetError(
        'not-found',
        `${serviceKey(service)} has no canary: "arpanet update ${serviceKey(service)} --image IMAGE --canary 10%" begins one`,
      );
    return { service, canary: { ...canary, share } };
  }

  const tell = (service: ServiceId, canary: string, why: string): void => {
    deps.log.info({ service: serviceKey(service), canary, why }, 'a canary');
    deps.scheduler.events.service(service, { canary, ...(why !== '' && { why }) });
  };

  /** Its record stays, without instances. */
  async function takeBack(service: ServiceId, why: string): Promise<void> {
    const id = canaryOfService(service);
    const nowMs = deps.now();
    const after = (before: ServiceRecord): ServiceRecord => ({
      ...before,
      desired: 0,
      countedAtMs: nowMs,
      canary: { ...before.canary, takenBack: { atMs: nowMs, why } },
      version: before.version + 1,
    });
    await core.put(id, (before) => before && after(before));
    tell(service, 'taken back', why);
    reconciler.soon(id, 1);
  }

  /** Until its instances do well. Throws `conflict` with what one of them failed by. */
  async function healthy(id: ServiceId, desired: number): Promise<void> {
    const sinceMs = deps.now();
    for (;;) {
      const { record, instances } = core.view(id);
      if (record === undefined) throw new ArpanetError('conflict', `${serviceKey(id)} was removed while it was begun`);
      const states = instances.map((one) => fitness(one, record.update, sinceMs, deps.now()));
      const failed = states.find((state) => typeof state === 'object');
      if (typeof failed === 'object') throw new ArpanetError('conflict', failed.failed);
      if (states.length >= desired && states.every((state) => state === 'healthy')) return;
      if (deps.now() - sinceMs > record.update.patienceMs)
        throw new ArpanetError('conflict', `${serviceKey(id)} did not start within ${record.update.patienceMs / 1000} s`);
      await pauseWhileLeading(LOOK_EVERY_MS, lost);
    }
  }

  /** Somebody else may have ended it meanwhile. */
  const end = async (id: ServiceId, progress: Progress): Promise<void> => {
    if (shareOf(core.view(id)) !== undefined) await remove([serviceKey(id)], progress);
  };

  async function become({ service, canary }: Found, why: string, progress: Progress): Promise<UpdateStatus | undefined> {
    const key = serviceKey(service);
    const { template } = canary;
    if (service.template === undefined || template === undefined) throw new ArpanetError('not-found', `no such service: ${key}`);
    progress(`${key}: ${why}`);
    const ended = await (await update(key, { template: promotedTemplate(service.template, template) }, progress)).done;
    if (ended !== undefined && ended.state !== 'completed') return ended;
    tell(service, 'promoted', why);
    await end(canary, progress);
    return ended;
  }

  async function promoted(service: ServiceId, why: string, progress: Progress): Promise<string | undefined> {
    const ended = await become(found(serviceKey(service)), why, progress);
    return ended === undefined || ended.state === 'completed' ? undefined : `the update to it did not complete: ${ended.message}`;
  }

  return {
    async begin(reference, changed, { share, promoteAfterMs }, progress) {
      const service = findService(reference, core.list());
      const key = serviceKey(service);
      const id = canaryOfService(service);
      const refusal = canaryRefusal(service.template);
      if (refusal !== undefined) throw new ArpanetError('invalid', `${key}: ${refusal}`);
      const before = core.record(id);
      if (before?.canary?.takenBack !== undefined) await end(id, progress);
      else if (before !== undefined)
        throw new ArpanetError('conflict', `${key} has a canary: "arpanet promote ${key}" or "arpanet abort ${key}" ends it`);
      const desired = canaryCount(service.desired, share);
      const template = canaryTemplate(changed, service, share);
      progress(`${key}: ${desired} instance${desired === 1 ? '' : 's'} of a canary, for ${Math.round(share * 100)}% of the requests`);
      const settings = service.record?.update ?? UPDATE_DEFAULTS;
      await create({
        ...id,
        desired,
        template,
        update: settings,
        labels: {},
        origin: 'client',
        canary: { ...(promoteAfterMs && { promoteAfterMs }) },
      });
      try {
        await healthy(id, desired);
      } catch (error) {
        if (lost.aborted) throw error;
        await end(id, progress);
        throw new ArpanetError('conflict', `the canary of ${key} is taken back: ${error instanceof Error ? error.message : String(error)}`);
      }
      tell(service, 'begun', '');
      const followed = watch.follow(service, progress);
      if (promoteAfterMs === undefined) {
        progress(
          `${key}: the canary runs, and is taken back if it does worse than the others; "arpanet canary ${key}" shows how it does, "arpanet promote ${key}" or "arpanet abort ${key}" ends it`,
        );
        inBackground(
          deps.log,
          'a canary',
          followed.catch((error: unknown) => {
            if (!lost.aborted) throw error;
          }),
        );
        return undefined;
      }
      progress(
        `${key}: the canary runs; in ${Math.round(promoteAfterMs / 1000)} s the service becomes what it is, if it does as well as the others`,
      );
      const { how, why } = await followed;
      if (how === 'promoted') return core.record(service)?.status;
      throw new ArpanetError(
        'conflict',
        how === 'taken back' ? `the canary of ${key} is taken back: ${why}` : `the canary of ${key} was ended`,
      );
    },
    async look(reference) {
      const { service, canary } = found(reference);
      const { takenBack } = canary.record?.canary ?? {};
      const judged = takenBack === undefined ? await watch.judged(service) : undefined;
      const none = { requests: 0, errors: 0, latencyMs: 0 };
      return {
        service: serviceKey(service),
        share: canary.share,
        image: canary.template?.request.Image ?? '',
        running: canary.instances.filter(({ facts }) => facts.inspect.State.Running).length,
        desired: canary.desired,
        ...(judged ?? { base: none, canary: none, verdict: 'bad', why: takenBackText(canary.record) ?? '', isTakenBack: true }),
      };
    },
    async promote(reference, isForced, progress) {
      const { service, canary } = found(reference);
      const key = serviceKey(service);
      const gone = takenBackText(canary.record);
      if (gone !== undefined)
        throw new ArpanetError('conflict', `${key}: ${gone}. "arpanet update ${key}" changes the service without one`);
      const { verdict, why } = await watch.judged(service);
      if (verdict !== 'good' && !isForced)
        throw new ArpanetError(
          'conflict',
          `the canary of ${key} is not promoted: ${why}. "arpanet abort ${key}" takes it back, --force promotes it all the same`,
        );
      // as they are after the questions
      return watch.leaveAlone(service, () => become(found(key), why, progress));
    },
    async abort(reference, progress) {
      const { service, canary } = found(reference);
      await end(canary, progress);
      tell(service, 'aborted', '');
    },
    summary(service) {
      const view = core.record(canaryOfService(service));
      if (view === undefined || shareOf(view) === undefined) return undefined;
      const key = serviceKey(service);
      return (
        takenBackText(view) ??
        `a canary (${view.template.request.Image ?? ''}) has a share of the requests: "arpanet canary ${key}" shows how it does`
      );
    },
    resume: watch.resume,
  };
}
