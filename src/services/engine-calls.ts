/** Calls of this room to the hosts' Engines. Effects: HTTP requests. */
import type { Engines, Scheduler } from '../contracts/index.ts';
import { type EngineAnswer, type EngineCall, engineError, engineRequest } from '../engine/index.ts';
import { ArpanetError } from '../model/index.ts';
import { withDefaultTag } from '../text/image-reference.ts';

const PULL_TIMEOUT_MS = 10 * 60_000;

/** One call to a host's Engine, with its answer whatever the status. Throws `unavailable` when the host is not alive. */
export async function callEngine(engines: Engines, host: string, call: EngineCall): Promise<EngineAnswer> {
  return engineRequest({ agent: engines.endpoint(host).agent }, call);
}

/**
 * Makes sure that some host has the image: otherwise pulls it on the builder's host, with the client's credentials if there are any (as
 * `X-Registry-Auth` has them). Throws `not-found` with the Engine's reason when it cannot be pulled.
 *
 * `POST /images/create` answers 200 and reports in the stream whether the pull worked (Docker API v1.24 and later).
 */
export async function ensureImage(
  scheduler: Pick<Scheduler, 'engines' | 'images' | 'view'>,
  reference: string,
  signal: AbortSignal,
  registryAuth: string | undefined,
): Promise<void> {
  if (scheduler.images.find(reference) !== undefined) return;
  const host = scheduler.images.builder();
  const path = `/images/create?fromImage=${encodeURIComponent(withDefaultTag(reference))}`;
  const headers = registryAuth === undefined ? {} : { 'X-Registry-Auth': registryAuth };
  const { status, body } = await callEngine(scheduler.engines, host, { method: 'POST', path, headers, signal, timeoutMs: PULL_TIMEOUT_MS });
  const text = body.toString();
  const failed = status >= 400 ? engineError(status, text).message : /"error":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  await scheduler.view.refresh(host, { images: true });
  if (failed !== undefined || scheduler.images.find(reference) === undefined)
    throw new ArpanetError('not-found', `No such image: ${reference}, and it cannot be pulled${failed === undefined ? '' : `: ${failed}`}`);
}
