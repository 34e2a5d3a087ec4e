/** Wires the deployments room to the scheduler's, and the door to both. Effects: those of the rooms; pulls through an Engine. */
import type { Cluster } from '../docker-api/index.ts';
import { type Deployments, startDeployments } from '../services/index.ts';
import { engineError, engineRequest } from '../engine/index.ts';
import { ArpanetError, type FailpointHook, isKind } from '../model/index.ts';
import type { OperatorDeps } from '../operator-api/index.ts';
import type { Scheduler } from '../scheduler/index.ts';
import type { Ledger } from '../store/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { steadyNow } from './clock.ts';

const PULL_TIMEOUT_MS = 10 * 60_000;

export interface DeploymentsWiring {
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly newId: () => string;
  readonly log: Logger;
  readonly lostAfterMs: () => number;
  readonly rehearse: OperatorDeps['rehearse'];
  readonly failpoint: FailpointHook;
}

export function wireDeployments(
  { scheduler, ledger, newId, log, lostAfterMs, rehearse, failpoint }: DeploymentsWiring,
  lost: AbortSignal,
): Deployments {
  return startDeployments(
    {
      ...scheduler,
      lostAfterMs,
      rehearse: (creates) => rehearse(creates, []),
      failpoint,
      ledger,
      log,
      newId,
      now: steadyNow,
      engine: (host, call) => engineRequest({ agent: scheduler.engine(host).agent }, call),
      hasImage: (reference) => scheduler.image(reference) !== undefined,
      pull: (reference, signal, registryAuth) => pull(scheduler, reference, signal, registryAuth),
      async removeNetworks(deployment) {
        const removed: string[] = [];
        for (const { record, members } of scheduler.networks()) {
          if (record.deployment !== deployment || deployment === 'default' || members.length > 0) continue;
          try {
            await scheduler.removeNetwork(record.id);
            removed.push(record.name);
          } catch (error) {
            if (!isKind(error, 'forbidden', 'not-found')) throw error;
          }
        }
        return removed;
      },
    },
    lost,
  );
}

/** The scheduler as the door sees it: creates are counted, services are there. */
export function withServices(scheduler: Scheduler, services: Deployments): Cluster {
  return {
    ...scheduler,
    services,
    createContainer: (create) => services.creating(create.request, () => scheduler.createContainer(create)),
    async connect(reference, container, endpoint) {
      const { id } = scheduler.container(container);
      await scheduler.connect(reference, id, endpoint);
      await services.joined(scheduler.container(id));
    },
    async disconnect(reference, container, force) {
      const { id } = scheduler.container(container);
      await scheduler.disconnect(reference, id, force);
      await services.joined(scheduler.container(id));
    },
  };
}

/** An Engine answers a pull with 200 and tells in the stream how it went. */
async function pull(scheduler: Scheduler, reference: string, signal: AbortSignal, registryAuth: string | undefined): Promise<void> {
  const host = scheduler.builder();
  const tagged = /@|:[^/]+$/.test(reference) ? reference : `${reference}:latest`;
  const path = `/images/create?fromImage=${encodeURIComponent(tagged)}`;
  const headers = registryAuth === undefined ? {} : { 'X-Registry-Auth': registryAuth };
  const call = { method: 'POST', path, headers, signal, timeoutMs: PULL_TIMEOUT_MS };
  const answer = await engineRequest({ agent: scheduler.engine(host).agent }, call);
  const text = answer.body.toString();
  const failed = answer.status >= 400 ? engineError(answer.status, text).message : /"error":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  await scheduler.sync(host, { images: true });
  if (failed !== undefined || scheduler.image(reference) === undefined)
    throw new ArpanetError('not-found', `No such image: ${reference}, and it cannot be pulled${failed === undefined ? '' : `: ${failed}`}`);
}
