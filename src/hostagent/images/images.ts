/** Effects: copies an image from another host's Engine, straight from its gateway to this Engine, never through the leader. */
import { createKeyed } from '../../async/keyed.ts';
import { ArpanetError } from '../../model/errors.ts';
import { createEngineAgent } from '../../engine/tunnel.ts';
import { engineError, engineOpen, engineRequest, type EngineTarget } from '../../engine/request.ts';
import { failureIn } from '../../engine/work-stream.ts';
import { text } from 'node:stream/consumers';
import type { Logger } from '../../telemetry/log.ts';

export interface ImageCopyDeps {
  readonly engine: EngineTarget;
  readonly token: string;
  readonly epoch: () => number;
  readonly log: Logger;
}

export interface ImageCopy {
  readonly reference: string;
  /** `host:port` of the gateway of the host that has it. */
  readonly gateway: string;
}

/** One transfer at a time for each reference: a request made meanwhile waits for the same one. Throws `engine`, `unavailable`, `timeout`. */
export function createImageCopier(deps: ImageCopyDeps, signal: AbortSignal): (copy: ImageCopy) => Promise<void> {
  const keyed = createKeyed();
  return (copy) => keyed.shared(copy.reference, () => transfer(deps, copy, signal));
}

async function transfer(deps: ImageCopyDeps, { reference, gateway }: ImageCopy, signal: AbortSignal): Promise<void> {
  const source = createEngineAgent({ gateway, token: deps.token, epoch: deps.epoch(), log: deps.log });
  const began = performance.now();
  try {
    const saved = await engineOpen(
      { agent: source },
      { method: 'GET', path: `/images/get?names=${encodeURIComponent(reference)}`, signal },
    );
    if (saved.statusCode !== 200) throw engineError(saved.statusCode ?? 0, await text(saved));
    const headers = { 'Content-Type': 'application/x-tar' };
    const loaded = await engineRequest(deps.engine, { method: 'POST', path: '/images/load?quiet=1', body: saved, headers, signal });
    if (loaded.status >= 400) throw engineError(loaded.status, loaded.body.toString());
    const failure = await failureIn([loaded.body]);
    if (failure !== undefined) throw new ArpanetError('unavailable', `the Docker Engine cannot load image ${reference}: ${failure}`);
    const present = await engineRequest(deps.engine, { method: 'GET', path: `/images/${reference}/json`, signal });
    if (present.status !== 200)
      throw new ArpanetError('unavailable', `image ${reference} was copied from ${gateway}, but the copy does not have that reference`);
    deps.log.info({ reference, gateway, ms: Math.round(performance.now() - began) }, 'image copied');
  } finally {
    source.destroy();
  }
}
