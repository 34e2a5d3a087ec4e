/** Begins, shows, promotes and aborts canaries (canary-plan.ts). Effects: those of create, update and remove; questions to agents. */
import type { Canaries, Progress, Services } from '../../contracts/index.ts';
import {
  ArpanetError,
  type CanaryReport,
  type HttpFigures,
  serviceKey,
  type ServiceId,
  type ServiceView,
  UPDATE_DEFAULTS,
} from '../../model/index.ts';
import type { Core } from '../core.ts';
import { pauseWhileLeading } from '../leading.ts';
import {
  canaryCount,
  canaryOfService,
  canaryRefusal,
  canaryTemplate,
  judgeCanary,
  promotedTemplate,
  shareOf,
  totalOf,
} from '../rollout/canary-plan.ts';
import { fitness } from '../rollout/rollout-plan.ts';
import { findService } from '../service-reference.ts';

const LOOK_EVERY_MS = 200;

export function createCanaries(core: Core, { create, update, remove }: Pick<Services, 'create' | 'update' | 'remove'>): Canaries {
  const { deps, lost } = core;
  const { names, hosts } = deps.scheduler;

  function found(reference: string): { readonly service: ServiceView; readonly canary: ServiceView & { readonly share: number } } {
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

  async function figures(): Promise<readonly HttpFigures[]> {
    const edges = hosts.list().filter(({ state, facts }) => state === 'alive' && facts?.http === 'edge');
    const all = await Promise.all(edges.map(({ name }) => names.httpFigures(name).catch(() => [])));
    return all.flat();
  }

  async function look(reference: string): Promise<CanaryReport> {
    const { service, canary } = found(reference);
    const all = await figures();
    const idsOf = ({ instances }: ServiceView) => new Set(instances.map(({ id }) => id));
    const [ofBase, ofCanary] = [totalOf(all, idsOf(service)), totalOf(all, idsOf(canary))];
    return {
      service: serviceKey(service),
      share: canary.share,
      image: canary.template?.request.Image ?? '',
      running: canary.instances.filter(({ facts }) => facts.inspect.State.Running).length,
      desired: canary.desired,
      base: ofBase,
      canary: ofCanary,
      ...judgeCanary(ofBase, ofCanary),
    };
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

  return {
    async begin(reference, changed, share, progress) {
      const service = findService(reference, core.list());
      const key = serviceKey(service);
      const id = canaryOfService(service);
      const refusal = canaryRefusal(service.template);
      if (refusal !== undefined) throw new ArpanetError('invalid', `${key}: ${refusal}`);
      if (core.record(id) !== undefined)
        throw new ArpanetError('conflict', `${key} has a canary: "arpanet promote ${key}" or "arpanet abort ${key}" ends it`);
      const desired = canaryCount(service.desired, share);
      const template = canaryTemplate(changed, service, share);
      progress(`${key}: ${desired} instance${desired === 1 ? '' : 's'} of a canary, for ${Math.round(share * 100)}% of the requests`);
      await create({ ...id, desired, template, update: service.record?.update ?? UPDATE_DEFAULTS, labels: {}, origin: 'client' });
      try {
        await healthy(id, desired);
      } catch (error) {
        if (lost.aborted) throw error;
        await end(id, progress);
        throw new ArpanetError('conflict', `the canary of ${key} is taken back: ${error instanceof Error ? error.message : String(error)}`);
      }
      progress(
        `${key}: the canary runs; "arpanet canary ${key}" shows how it does, "arpanet promote ${key}" or "arpanet abort ${key}" ends it`,
      );
    },
    look,
    async promote(reference, isForced, progress) {
      const { service: key, verdict, why } = await look(reference);
      if (verdict !== 'good' && !isForced)
        throw new ArpanetError(
          'conflict',
          `the canary of ${key} is not promoted: ${why}. "arpanet abort ${key}" takes it back, --force promotes it all the same`,
        );
      // as they are after the questions
      const { service, canary } = found(key);
      const { template } = canary;
      if (service.template === undefined || template === undefined) throw new ArpanetError('not-found', `no such service: ${reference}`);
      progress(`${key}: ${why}`);
      const ended = await (await update(key, { template: promotedTemplate(service.template, template) }, progress)).done;
      if (ended === undefined || ended.state === 'completed') await end(canary, progress);
      return ended;
    },
    async abort(reference, progress) {
      const { canary } = found(reference);
      await end(canary, progress);
    },
  };
}
