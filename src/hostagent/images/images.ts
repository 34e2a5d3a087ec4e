/** Effects: brings an image here from another host's Engine, straight from gateway to Engine, never through the leader. */
import { ArpanetError } from '../../model/errors.ts';
import { createEngineAgent } from '../../engine/tunnel.ts';
import { engineError, engineOpen, engineRequest, type EngineTarget } from '../../engine/request.ts';
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

/** Copies at most once at a time for each reference: who asks meanwhile waits for the same transfer. */
export function createImageCopier(deps: ImageCopyDeps, signal: AbortSignal): (copy: ImageCopy) => Promise<void> {
  const under = new Map<string, Promise<void>>();
  return ({ reference, gateway }) => {
    const running = under.get(reference);
    if (running !== undefined) return running;
    const mine = transfer(deps, { reference, gateway }, signal).finally(() => under.delete(reference));
    under.set(reference, mine);
    return mine;
  };
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
    const said = loaded.body.toString();
    if (loaded.status >= 400) throw engineError(loaded.status, said);
    if (said.includes('"errorDetail"'))
      throw new ArpanetError('unavailable', `the Engine could not load image ${reference}: ${said.trim()}`);
    const present = await engineRequest(deps.engine, { method: 'GET', path: `/images/${reference}/json`, signal });
    if (present.status !== 200)
      throw new ArpanetError('unavailable', `image ${reference} came from ${gateway}, but not under that reference`);
    deps.log.info({ reference, gateway, ms: Math.round(performance.now() - began) }, 'image copied');
  } finally {
    source.destroy();
  }
}
