/** What is done to single instances. Effects: calls to Engines, timers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArpanetError, type ContainerView, isUnreachable, type ServiceTemplate } from '../../model/index.ts';
import type { DeploymentsDeps } from '../deps.ts';
import { equip } from '../secrets.ts';
import { OUR_REQUEST } from './replica-plan.ts';
import { instanceName, instanceRequest } from './template.ts';

const API_VERSION = '1.41';
const TIMEOUT_MS = 60_000;
/** How long a container may take to stop before its Engine kills it, beside what it says itself. */
const STOP_SECONDS = 10;

export interface Act {
  /** Creates and starts instance `number`, `on` this host if one is named; its id. */
  readonly add: (template: ServiceTemplate, number: number, on?: string) => Promise<string>;
  readonly start: (container: ContainerView) => Promise<void>;
  /** Out of DNS, a wait for what is under way, then the stop. */
  readonly stop: (container: ContainerView, drainMs: number) => Promise<void>;
  readonly restart: (container: ContainerView, drainMs: number) => Promise<void>;
  readonly remove: (container: ContainerView, drainMs: number) => Promise<void>;
  /** Makes and starts what takes the place of a container that is lost with its host. */
  readonly succeed: (container: ContainerView) => Promise<void>;
}

export function createAct(deps: DeploymentsDeps, lost: AbortSignal): Act {
  async function call(host: string, method: string, path: string, accepted: readonly number[], timeoutMs = TIMEOUT_MS): Promise<void> {
    const answer = await deps.engine(host, { method, path, timeoutMs });
    if (answer.status < 300 || accepted.includes(answer.status)) return;
    throw new ArpanetError('engine', `host ${host}: ${messageOf(answer.body)}`, { engineStatus: answer.status });
  }

  const post = async (container: ContainerView, action: string, seconds = 0) =>
    call(container.host, 'POST', `/containers/${container.id}/${action}`, [304], TIMEOUT_MS + seconds * 1000);
  const synced = async (container: Pick<ContainerView, 'host' | 'id'>) => deps.sync(container.host, { containers: [container.id] });
  const graceOf = (container: ContainerView): number => {
    const own = container.facts.inspect.Config['StopTimeout'];
    return typeof own === 'number' ? own : STOP_SECONDS;
  };
  const drained = async (container: ContainerView, drainMs: number) => {
    if (container.facts.inspect.State.Running && drainMs > 0) await sleep(drainMs, undefined, { signal: lost });
  };

  return {
    async add(template, number, on) {
      const name = instanceName(template, number);
      const request = instanceRequest(template, number);
      const requestId = `${OUR_REQUEST}${deps.newId().slice(0, 32)}`;
      const { id } = await deps.createContainer({
        name,
        platform: undefined,
        request,
        apiVersion: API_VERSION,
        requestId,
        signal: lost,
        ...(on === undefined ? {} : { on }),
      });
      const made = deps.containers().find((container) => container.id === id);
      if (made === undefined) throw new ArpanetError('unavailable', `${name} was made and is gone already`);
      await deps.failpoint('scale.made');
      try {
        await equip(deps, made);
        await post(made, 'start');
      } catch (error) {
        await deps.engine(made.host, { method: 'DELETE', path: `/containers/${id}?force=1&v=1`, timeoutMs: TIMEOUT_MS });
        await deps.containerRemoved(made);
        await synced(made);
        throw error;
      }
      await deps.failpoint('scale.started');
      await synced(made);
      return id;
    },
    async start(container) {
      await post(container, 'start');
      await synced(container);
    },
    async stop(container, drainMs) {
      await deps.withdrawn(container, async () => {
        await drained(container, drainMs);
        await post(container, 'stop', graceOf(container));
      });
      await synced(container);
    },
    async restart(container, drainMs) {
      await deps.withdrawn(container, async () => {
        await drained(container, drainMs);
        await post(container, 'restart', graceOf(container));
      });
      await synced(container);
    },
    async succeed(container) {
      const { id } = await deps.succeed(container.name, `${OUR_REQUEST}${deps.newId().slice(0, 32)}`, lost);
      const made = deps.containers().find((one) => one.id === id);
      if (made === undefined) throw new ArpanetError('unavailable', `the successor of ${container.name} was made and is gone already`);
      await equip(deps, made);
      await post(made, 'start');
      await synced(made);
    },
    async remove(container, drainMs) {
      if (isUnreachable(container.hostState)) return deps.abandon(container);
      await deps.withdrawn(container, async () => {
        await drained(container, drainMs);
        if (container.facts.inspect.State.Running) {
          await call(container.host, 'POST', `/containers/${container.id}/stop`, [304, 404], TIMEOUT_MS + graceOf(container) * 1000);
        }
        await deps.failpoint('scale.stopped');
        await call(container.host, 'DELETE', `/containers/${container.id}?force=1`, [404, 409]);
      });
      await deps.failpoint('scale.removed');
      await deps.containerRemoved(container);
      await synced(container);
    },
  };
}

function messageOf(body: Buffer): string {
  try {
    const { message } = JSON.parse(body.toString()) as { readonly message?: string };
    return message ?? body.toString().trim();
  } catch {
    return body.toString().trim();
  }
}
