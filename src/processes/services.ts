/** Wires the deployments room to the scheduler's, and the endpoint to both. Effects: those of the rooms; pulls through an Engine. */
import type { Cluster, Scheduler } from '../contracts/index.ts';
import { type Deployments, startDeployments } from '../services/index.ts';
import { engineError, engineRequest } from '../engine/index.ts';
import { ArpanetError, type FailpointHook, isKind } from '../model/index.ts';
import type { OperatorDeps } from '../operator-api/index.ts';
import type { Ledger } from '../store/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { steadyNow } from './clock.ts';
import { withDefaultTag } from '../text/image-reference.ts';

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
      ready: scheduler.leader.ready,
      frozen: scheduler.leader.frozen,
      onChange: scheduler.view.onChange,
      sync: scheduler.view.refresh,
      containers: scheduler.containers.list,
      createContainer: scheduler.containers.create,
      withdrawn: scheduler.containers.withdrawn,
      containerRemoved: scheduler.containers.release,
      succeed: scheduler.containers.replaceLost,
      abandon: scheduler.containers.abandonLost,
      hosts: scheduler.hosts.list,
      updateHost: scheduler.hosts.update,
      admissions: scheduler.hosts.admissions,
      admit: scheduler.hosts.admit,
      removeHost: scheduler.hosts.remove,
      bareHost: scheduler.hosts.reset,
      snapshots: scheduler.placement.snapshots,
      lostAfterMs,
      rehearse: (creates) => rehearse(creates, []),
      failpoint,
      ledger,
      log,
      newId,
      now: steadyNow,
      engine: (host, call) => engineRequest({ agent: scheduler.engines.endpoint(host).agent }, call),
      hasImage: (reference) => scheduler.images.find(reference) !== undefined,
      pull: (reference, signal, registryAuth) => pull(scheduler, reference, signal, registryAuth),
      async removeNetworks(deployment) {
        const removed: string[] = [];
        for (const { record, members } of scheduler.networks.list()) {
          if (record.deployment !== deployment || deployment === 'default' || members.length > 0) continue;
          try {
            await scheduler.networks.remove(record.id);
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

/** The cluster as Docker's API sees it: the scheduler's roles and those of services. */
export function clusterOf(scheduler: Scheduler, services: Deployments): Cluster {
  return {
    leader: scheduler.leader,
    view: scheduler.view,
    hosts: scheduler.hosts,
    containers: scheduler.containers,
    networks: scheduler.networks,
    volumes: scheduler.volumes,
    images: scheduler.images,
    engines: scheduler.engines,
    events: scheduler.events,
    services,
    secrets: { list: services.kept, create: services.keep, relabel: services.relabel, remove: services.discard },
    replicas: services,
  };
}

/** An Engine answers a pull with 200 and tells in the stream how it went. */
async function pull(scheduler: Scheduler, reference: string, signal: AbortSignal, registryAuth: string | undefined): Promise<void> {
  const host = scheduler.images.builder();
  const path = `/images/create?fromImage=${encodeURIComponent(withDefaultTag(reference))}`;
  const headers = registryAuth === undefined ? {} : { 'X-Registry-Auth': registryAuth };
  const call = { method: 'POST', path, headers, signal, timeoutMs: PULL_TIMEOUT_MS };
  const answer = await engineRequest({ agent: scheduler.engines.endpoint(host).agent }, call);
  const text = answer.body.toString();
  const failed = answer.status >= 400 ? engineError(answer.status, text).message : /"error":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  await scheduler.view.refresh(host, { images: true });
  if (failed !== undefined || scheduler.images.find(reference) === undefined)
    throw new ArpanetError('not-found', `No such image: ${reference}, and it cannot be pulled${failed === undefined ? '' : `: ${failed}`}`);
}
