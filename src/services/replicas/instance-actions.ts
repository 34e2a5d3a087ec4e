/** What is done to single instances. Effects: calls to the scheduler and to Engines, timers. */
import { engineError } from '../../engine/index.ts';
import { ArpanetError, type ContainerView, isUnreachable, type ServiceRecord, type ServiceTemplate } from '../../model/index.ts';
import type { ServicesDeps } from '../deps.ts';
import { callEngine, removeCreated } from '../engine-calls.ts';
import { runHooks, runLastHooks } from './hooks.ts';
import { putSecrets } from '../secret-files.ts';
import { OUR_REQUEST } from './replica-plan.ts';
import { instanceName, instanceRequest } from './template.ts';

const API_VERSION = '1.41';
const TIMEOUT_MS = 60_000;
/** Docker's default for a container without a `StopTimeout` of its own: seconds between SIGTERM and SIGKILL. */
const STOP_SECONDS = 10;

export interface InstanceActions {
  /**
   * Creates and starts instance `number`, `on` this host if one is named; its id. Undone when it does not start. Throws as `Containers.create` does, and `conflict`
   * when a command of its label `arpanet.hooks` fails, as all that start it do.
   */
  readonly add: (template: ServiceTemplate, number: number, on?: string) => Promise<string>;
  readonly start: (container: ContainerView) => Promise<void>;
  /** Takes it out of DNS, waits `drainMs` for open connections, then stops it. Throws `engine`, as the others do. */
  readonly stop: (container: ContainerView, drainMs: number) => Promise<void>;
  readonly restart: (container: ContainerView, drainMs: number) => Promise<void>;
  /**
   * Stops it as `stop` does and removes it; of an unreachable host, when that is back. What the services API made (`of`) goes with its anonymous volumes (moby
   * daemon/cluster/executor/container/adapter.go, `remove`); those of a compose file's containers stay, as compose leaves them.
   */
  readonly remove: (container: ContainerView, drainMs: number, of?: Pick<ServiceRecord, 'origin'>) => Promise<void>;
  /** Creates and starts the replacement of a container that is lost with its host. Throws as `Containers.replaceLost` does. */
  readonly replaceLost: (container: ContainerView) => Promise<void>;
}

export function createInstanceActions(deps: ServicesDeps, lost: AbortSignal): InstanceActions {
  async function call(host: string, method: string, path: string, accepted: readonly number[], timeoutMs = TIMEOUT_MS): Promise<void> {
    const answer = await callEngine(deps.scheduler.engines, host, { method, path, timeoutMs });
    if (answer.status < 300 || accepted.includes(answer.status)) return;
    throw new ArpanetError('engine', `host ${host}: ${engineError(answer.status, answer.body.toString()).message}`, {
      engineStatus: answer.status,
    });
  }

  const post = async (container: ContainerView, action: string, seconds = 0) =>
    call(container.host, 'POST', `/containers/${container.id}/${action}`, [304], TIMEOUT_MS + seconds * 1000);
  const synced = async (container: Pick<ContainerView, 'host' | 'id'>) =>
    deps.scheduler.view.refresh(container.host, { containers: [container.id] });
  /** It runs in the view when this resolves. Throws `engine` in the Engine's words when another service has a port of it, where one address answers for all hosts. */
  const started = async (container: ContainerView, reached?: () => Promise<void>) => {
    const end = deps.scheduler.networks.claimPorts(container);
    try {
      await deps.scheduler.networks.starting(container, async () => {
        await post(container, 'start');
        await reached?.();
        await synced(container);
      });
    } finally {
      end();
    }
  };
  const restarted = (container: ContainerView, seconds: number) =>
    deps.scheduler.networks.starting(container, async () => {
      await post(container, 'restart', seconds);
      await synced(container);
    });
  const stopSecondsOf = (container: ContainerView): number => {
    const own = container.facts.inspect.Config['StopTimeout'];
    return typeof own === 'number' ? own : STOP_SECONDS;
  };

  return {
    async add(template, number, on) {
      const name = instanceName(template, number);
      const request = instanceRequest(template, number);
      const requestId = `${OUR_REQUEST}${deps.newId().slice(0, 32)}`;
      const { id } = await deps.scheduler.containers.create({
        name,
        platform: undefined,
        request,
        apiVersion: API_VERSION,
        requestId,
        signal: lost,
        ...(on === undefined ? {} : { on }),
      });
      const made = deps.scheduler.containers.list().find((container) => container.id === id);
      if (made === undefined) throw new ArpanetError('unavailable', `${name} was created and is gone already`);
      await deps.failpoint('scale.made');
      let isStarted = false;
      try {
        await putSecrets(deps, made);
        await started(made, async () => {
          isStarted = true;
          await deps.failpoint('scale.started');
        });
        await runHooks(deps, made, 'post_start', lost);
      } catch (error) {
        if (!isStarted) await removeCreated(deps.scheduler, made);
        throw error;
      }
      return id;
    },
    async start(container) {
      await started(container);
      await runHooks(deps, container, 'post_start', lost);
    },
    async stop(container, drainMs) {
      await deps.scheduler.containers.withdrawn(
        container,
        async () => {
          await runLastHooks(deps, container, lost);
          await post(container, 'stop', stopSecondsOf(container));
        },
        { drainMs },
      );
      await synced(container);
    },
    async restart(container, drainMs) {
      await deps.scheduler.containers.withdrawn(
        container,
        async () => {
          await runLastHooks(deps, container, lost);
          await restarted(container, stopSecondsOf(container));
        },
        { drainMs },
      );
      await runHooks(deps, container, 'post_start', lost);
    },
    async replaceLost(container) {
      const { id } = await deps.scheduler.containers.replaceLost(container.name, `${OUR_REQUEST}${deps.newId().slice(0, 32)}`, lost);
      const made = deps.scheduler.containers.list().find((one) => one.id === id);
      if (made === undefined) throw new ArpanetError('unavailable', `the replacement of ${container.name} was created and is gone already`);
      await putSecrets(deps, made);
      await started(made);
      await runHooks(deps, made, 'post_start', lost);
    },
    async remove(container, drainMs, of) {
      if (isUnreachable(container.hostState)) return deps.scheduler.containers.abandonLost(container);
      await deps.scheduler.containers.withdrawn(
        container,
        async () => {
          await runLastHooks(deps, container, lost);
          if (container.facts.inspect.State.Running) {
            await call(
              container.host,
              'POST',
              `/containers/${container.id}/stop`,
              [304, 404],
              TIMEOUT_MS + stopSecondsOf(container) * 1000,
            );
          }
          await deps.failpoint('scale.stopped');
          await call(container.host, 'DELETE', `/containers/${container.id}?force=1${of?.origin === 'api' ? '&v=1' : ''}`, [404, 409]);
        },
        { drainMs },
      );
      await deps.failpoint('scale.removed');
      await deps.scheduler.containers.release(container);
      await synced(container);
    },
  };
}
