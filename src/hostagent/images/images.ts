/**
 * Effects: copies an image from another host's Engine to this one, straight from its gateway, never through the leader. Of the image's layers only those are sent
 * that this Engine lacks.
 */
import type { Readable } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { LRUCache } from 'lru-cache';
import { createKeyed } from '../../async/keyed.ts';
import { mapBounded } from '../../async/limit.ts';
import { ArpanetError } from '../../model/errors.ts';
import { engineError, engineJson, engineRequest, type EngineTarget } from '../../engine/request.ts';
import { failureIn } from '../../engine/work-stream.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { ArchiveRequest } from './archive-request.ts';
import { layersOn, ping, plainSource, saved, securedSource } from './image-source.ts';
import { presentLayers } from './layers.ts';
import { watchSilence } from './silence.ts';
import type { ThinArchives } from './thin-archive.ts';

export interface ImageCopyDeps {
  readonly engine: EngineTarget;
  readonly token: string;
  /** For a connection to a gateway with TLS. */
  readonly toHost: (host: string) => ConnectionOptions;
  readonly epoch: () => number;
  readonly log: Logger;
  /** For how long a copy may be silent; tests have less patience. */
  readonly silenceMs?: number;
}

export interface ImageCopy {
  readonly reference: string;
  /** `host:port` of the gateway of the host that has it. */
  readonly gateway: string;
  /** That host's name, if its gateway speaks TLS. */
  readonly host?: string;
}

const MOST_IMAGES = 5_000;
const INSPECTS_AT_ONCE = 8;

/** For the gateway: the layers of an image of this Engine. Throws `engine` where it has no such image. */
export const createImageLayers =
  (engine: EngineTarget) =>
  (reference: string, signal: AbortSignal): Promise<readonly string[]> =>
    layersOn(engine, reference, signal);

/**
 * One transfer at a time for each reference: a request made meanwhile waits for the same one. Throws `engine`, `unavailable`; `timeout` after a silence, in
 * which nothing of the image came and one of the two Engines did not answer either.
 */
export function createImageCopier(deps: ImageCopyDeps, signal: AbortSignal): (copy: ImageCopy) => Promise<void> {
  const keyed = createKeyed();
  const layersOf = createLayerReader(deps.engine);
  return (copy) => keyed.shared(copy.reference, () => transfer(deps, copy, layersOf, signal));
}

/** For the gateway: an image's archive as this Engine saves it, without the layers that the reader has. Throws `engine` where it has no such image. */
export function createImageArchives(
  engine: EngineTarget,
  thin: ThinArchives,
): (asked: ArchiveRequest, signal: AbortSignal) => Promise<Readable> {
  return async ({ reference, without }, signal) => {
    const archive = await saved(engine, reference, signal);
    return without.length === 0 ? archive : thin.without(archive, new Set(without));
  };
}

/** The layers of all images of this Engine; of each it is asked once, as an image never changes. */
function createLayerReader(engine: EngineTarget): (signal: AbortSignal) => Promise<readonly (readonly string[])[]> {
  const known = new LRUCache<string, readonly string[]>({ max: MOST_IMAGES });
  return async (signal) => {
    const images = await engineJson<readonly { readonly Id: string }[]>(engine, { method: 'GET', path: '/images/json', signal });
    return mapBounded(images.slice(0, MOST_IMAGES), INSPECTS_AT_ONCE, async ({ Id }) => {
      const layers = known.get(Id) ?? (await layersOn(engine, Id, signal).catch(() => undefined));
      if (layers !== undefined) known.set(Id, layers);
      return layers ?? [];
    });
  };
}

async function transfer(
  deps: ImageCopyDeps,
  { reference, gateway, host }: ImageCopy,
  layersHere: ReturnType<typeof createLayerReader>,
  stop: AbortSignal,
): Promise<void> {
  const { token, toHost, log } = deps;
  const epoch = deps.epoch();
  const source = host === undefined ? plainSource({ gateway, token, epoch, log }) : securedSource(gateway, toHost(host), epoch);
  const began = performance.now();
  const answers = async (): Promise<boolean> => (await Promise.all([source.answers(), ping(deps.engine)])).every(Boolean);
  const why = `nothing of image ${reference} has come from ${gateway}`;
  const silence = watchSilence(answers, why, deps.silenceMs === undefined ? {} : { boundMs: deps.silenceMs });
  const signal = AbortSignal.any([stop, silence.signal]);
  try {
    const wanted = await source.layers(reference, signal);
    const without = presentLayers(wanted, await layersHere(signal));
    const thin = without.length === 0 ? undefined : await source.thin({ reference, without }, signal);
    try {
      await load(deps, silence.tap(thin ?? (await source.whole(reference, signal))), reference, signal);
    } catch (error) {
      // an image whose layers were counted on was removed meanwhile
      if (thin === undefined || signal.aborted) throw error;
      deps.log.info({ reference, gateway, err: error }, 'an image without its lower layers could not be loaded: it is copied whole');
      await load(deps, silence.tap(await source.whole(reference, signal)), reference, signal);
    }
    const present = await engineRequest(deps.engine, { method: 'GET', path: `/images/${reference}/json`, signal });
    if (present.status !== 200)
      throw new ArpanetError('unavailable', `image ${reference} was copied from ${gateway}, but the copy does not have that reference`);
    const ms = Math.round(performance.now() - began);
    deps.log.info({ reference, gateway, layers: wanted.length, present: thin === undefined ? 0 : without.length, ms }, 'image copied');
  } catch (error) {
    throw silence.signal.aborted ? (silence.signal.reason as Error) : error;
  } finally {
    silence.end();
    source.close();
  }
}

async function load({ engine }: ImageCopyDeps, archive: Readable, reference: string, signal: AbortSignal): Promise<void> {
  const headers = { 'Content-Type': 'application/x-tar' };
  const loaded = await engineRequest(engine, { method: 'POST', path: '/images/load?quiet=1', body: archive, headers, signal });
  if (loaded.status >= 400) throw engineError(loaded.status, loaded.body.toString());
  const failure = await failureIn([loaded.body]);
  if (failure !== undefined) throw engineError(500, `the Docker Engine cannot load image ${reference}: ${failure}`);
}
