/** Removes from a host what is not used any more. Effects: calls to its Engine. */
import type { CleanPlan, CleanRequest, HostOperations } from '../../contracts/index.ts';
import { ArpanetError, labels, predefinedNetworks } from '../../model/index.ts';
import type { InstanceActions } from '../replicas/instance-actions.ts';
import { planClean } from './clean-plan.ts';
import type { Core } from '../core.ts';
import type { HostLock } from './host-lock.ts';
import { callEngine } from '../engine-calls.ts';
import { tryAll } from '../../async/limit.ts';
import { hostNamed } from '../../config/nearest.ts';

const TIMEOUT_MS = 120_000;

const filters = (of: object) => encodeURIComponent(JSON.stringify(of));

export function createClean(core: Core, actions: InstanceActions, lock: HostLock): Pick<HostOperations, 'clean' | 'cleanPlan'> {
  const { deps } = core;

  async function ask<T>(host: string, method: string, path: string): Promise<T> {
    const { status, body } = await callEngine(deps.scheduler.engines, host, { method, path, timeoutMs: TIMEOUT_MS });
    const text = body.toString();
    if (status >= 300) throw new ArpanetError('engine', `host ${host}: ${text.trim()}`, { engineStatus: status });
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async function cleanPlan(name: string, request: CleanRequest): Promise<CleanPlan> {
    const { name: host, state, images } = hostNamed(name, deps.scheduler.hosts.list());
    if (state !== 'alive')
      throw new ArpanetError('conflict', `${host} is ${state}: nothing can be cleaned there until its agent has connected again`);
    const dangling = filters({ dangling: ['true'] });
    const [volumes, networks] = await Promise.all([
      request.volumes
        ? ask<{ readonly Volumes: readonly { readonly Name: string }[] | null }>(host, 'GET', `/volumes?filters=${dangling}`)
        : undefined,
      request.networks
        ? ask<readonly { readonly Name: string; readonly Labels?: Readonly<Record<string, string>> | null }[]>(
            host,
            'GET',
            `/networks?filters=${dangling}`,
          )
        : undefined,
    ]);
    return planClean(
      {
        host,
        containers: deps.scheduler.containers.list().filter((one) => one.host === host),
        images,
        volumes: (volumes?.Volumes ?? []).map(({ Name }) => Name),
        networks: (networks ?? []).flatMap(({ Name, Labels }) =>
          predefinedNetworks.has(Name) || Labels?.[labels.network] !== undefined ? [] : [Name],
        ),
      },
      request,
    );
  }

  return {
    cleanPlan,
    clean: (name, request, progress) =>
      lock.hold(name, 'being cleaned', async () => {
        const plan = await cleanPlan(name, request);
        const { host } = plan;
        const removed: string[] = [];
        const kept: string[] = [];
        const each = async <T>(items: readonly T[], nameOf: (item: T) => string, what: string, remove: (item: T) => Promise<unknown>) => {
          const done: string[] = [];
          await tryAll(items, 4, async (item) => {
            try {
              await remove(item);
              done.push(nameOf(item));
              progress(`${host}: ${what} ${nameOf(item)} removed`);
            } catch (error) {
              kept.push(`${what} ${nameOf(item)}: ${error instanceof Error ? error.message : String(error)}`);
            }
          });
          return done;
        };
        const views = new Map(deps.scheduler.containers.list().map((one) => [one.id, one]));
        await each(
          plan.containers,
          (one) => one.name,
          'container',
          async ({ id, name: container }) => {
            const view = views.get(id);
            if (view !== undefined) await actions.remove(view, 0);
            removed.push(container);
          },
        );
        const volumes = await each(plan.volumes, String, 'volume', (volume) =>
          ask(host, 'DELETE', `/volumes/${encodeURIComponent(volume)}`),
        );
        const networks = await each(plan.networks, String, 'network', (network) =>
          ask(host, 'DELETE', `/networks/${encodeURIComponent(network)}`),
        );
        progress(`${host}: removing ${plan.images.length} images and the build cache`);
        const pruned = await ask<Pruned>(host, 'POST', `/images/prune?filters=${filters({ dangling: [String(!request.all)] })}`);
        const cache = await ask<Pruned>(host, 'POST', `/build/prune${request.all ? '?all=true' : ''}`).catch(() => undefined);
        await deps.scheduler.view.refresh(host, { containers: [], images: true, volumes: true });
        return {
          host,
          containers: removed,
          images: (pruned.ImagesDeleted ?? []).filter(({ Deleted }) => Deleted !== undefined).length,
          volumes,
          networks,
          reclaimedBytes: (pruned.SpaceReclaimed ?? 0) + (cache?.SpaceReclaimed ?? 0),
          kept,
        };
      }),
  };
}

interface Pruned {
  readonly ImagesDeleted?: readonly { readonly Deleted?: string }[] | null;
  readonly SpaceReclaimed?: number;
}
