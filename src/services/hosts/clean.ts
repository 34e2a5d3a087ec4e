/** Takes from a host what nobody uses any more. Effects: calls to its Engine. */
import { ArpanetError, labels } from '../../model/index.ts';
import type { Act } from '../replicas/instance-actions.ts';
import { type CleanPlan, type CleanWish, planClean } from './clean-plan.ts';
import type { Core } from '../core.ts';
import type { HostLock } from './host-lock.ts';
import { inTurns } from '../replicas/replica-reconciler.ts';
import { hostNamed } from '../service-reference.ts';
import type { Progress } from '../rollout/rollout.ts';

const TIMEOUT_MS = 120_000;

export interface Cleaned {
  readonly host: string;
  readonly containers: readonly string[];
  readonly images: number;
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  readonly reclaimedBytes: number;
  /** What would not go, and why. */
  readonly kept: readonly string[];
}

export interface Clean {
  /** What `clean` would take away now. */
  readonly cleanPlan: (host: string, wish: CleanWish) => Promise<CleanPlan>;
  readonly clean: (host: string, wish: CleanWish, progress: Progress) => Promise<Cleaned>;
}

const filters = (of: object) => encodeURIComponent(JSON.stringify(of));

export function createClean(core: Core, act: Act, lock: HostLock): Clean {
  const { deps } = core;

  async function ask<T>(host: string, method: string, path: string): Promise<T> {
    const { status, body } = await deps.engine(host, { method, path, timeoutMs: TIMEOUT_MS });
    const text = body.toString();
    if (status >= 300) throw new ArpanetError('engine', `host ${host}: ${text.trim()}`, { engineStatus: status });
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async function cleanPlan(name: string, wish: CleanWish): Promise<CleanPlan> {
    const { name: host, state, images } = hostNamed(name, deps.hosts());
    if (state !== 'alive') throw new ArpanetError('conflict', `${host} is ${state}: nothing can be cleaned there until its agent is back`);
    const dangling = filters({ dangling: ['true'] });
    const [volumes, networks] = await Promise.all([
      wish.volumes
        ? ask<{ readonly Volumes: readonly { readonly Name: string }[] | null }>(host, 'GET', `/volumes?filters=${dangling}`)
        : undefined,
      wish.networks
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
        containers: deps.containers().filter((one) => one.host === host),
        images,
        volumes: (volumes?.Volumes ?? []).map(({ Name }) => Name),
        networks: (networks ?? []).flatMap(({ Name, Labels }) =>
          ['bridge', 'host', 'none'].includes(Name) || Labels?.[labels.network] !== undefined ? [] : [Name],
        ),
      },
      wish,
    );
  }

  return {
    cleanPlan,
    clean: (name, wish, progress) =>
      lock.hold(name, 'being cleaned', async () => {
        const plan = await cleanPlan(name, wish);
        const { host } = plan;
        const removed: string[] = [];
        const kept: string[] = [];
        const each = async <T>(items: readonly T[], nameOf: (item: T) => string, what: string, remove: (item: T) => Promise<unknown>) => {
          const done: string[] = [];
          await inTurns(items, 4, async (item) => {
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
        const views = new Map(deps.containers().map((one) => [one.id, one]));
        await each(
          plan.containers,
          (one) => one.name,
          'container',
          async ({ id, name: container }) => {
            const view = views.get(id);
            if (view !== undefined) await act.remove(view, 0);
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
        const pruned = await ask<Pruned>(host, 'POST', `/images/prune?filters=${filters({ dangling: [String(!wish.all)] })}`);
        const cache = await ask<Pruned>(host, 'POST', `/build/prune${wish.all ? '?all=true' : ''}`).catch(() => undefined);
        await deps.sync(host, { containers: [], images: true, volumes: true });
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
