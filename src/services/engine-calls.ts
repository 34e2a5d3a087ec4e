/** Calls of this room to the hosts' Engines. Effects: HTTP requests. */
import type { Engines, Scheduler } from '../contracts/index.ts';
import { type EngineAnswer, type EngineCall, engineError, engineRequest, failureIn, pullPath } from '../engine/index.ts';
import { ArpanetError, type ContainerView } from '../model/index.ts';

const PULL_TIMEOUT_MS = 10 * 60_000;
const REMOVE_TIMEOUT_MS = 60_000;

/** One call to a host's Engine, with its answer whatever the status. Throws `unavailable` when the host is not alive. */
export async function callEngine(engines: Engines, host: string, call: EngineCall): Promise<EngineAnswer> {
  return engineRequest({ agent: engines.endpoint(host).agent }, call);
}

/** Takes back a container that was created for a service and cannot be used: container, record, addresses. Throws `unavailable` when its host is not alive. */
export async function removeCreated(
  { containers, engines, view }: Pick<Scheduler, 'containers' | 'engines' | 'view'>,
  made: ContainerView,
): Promise<void> {
  await callEngine(engines, made.host, { method: 'DELETE', path: `/containers/${made.id}?force=1&v=1`, timeoutMs: REMOVE_TIMEOUT_MS });
  await containers.release(made);
  await view.refresh(made.host, { containers: [made.id] });
}

/**
 * Makes sure that some host has the image: otherwise pulls it on the builder's host, with the client's credentials if there are any (as
 * `X-Registry-Auth` has them). Throws `not-found` with the Engine's reason when it cannot be pulled.
 */
export async function ensureImage(
  scheduler: Pick<Scheduler, 'engines' | 'images' | 'view'>,
  reference: string,
  signal: AbortSignal,
  registryAuth: string | undefined,
): Promise<void> {
  if (scheduler.images.find(reference) !== undefined) return;
  const host = scheduler.images.builder();
  const headers = registryAuth === undefined ? {} : { 'X-Registry-Auth': registryAuth };
  const call = { method: 'POST', path: pullPath(reference), headers, signal, timeoutMs: PULL_TIMEOUT_MS };
  const { status, body } = await callEngine(scheduler.engines, host, call);
  const failed = status >= 400 ? engineError(status, body.toString()).message : await failureIn([body]);
  await scheduler.view.refresh(host, { images: true });
  if (failed !== undefined || scheduler.images.find(reference) === undefined)
    throw new ArpanetError('not-found', `No such image: ${reference}, and it cannot be pulled${failed === undefined ? '' : `: ${failed}`}`);
}
