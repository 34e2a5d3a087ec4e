/**
 * Effects: copies an image from another host's Engine to this one, straight from its gateway, never through the leader. Of the image's layers only those are sent
 * that this Engine lacks.
 */
import http, { type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { LRUCache } from 'lru-cache';
import { createKeyed } from '../../async/keyed.ts';
import { mapBounded } from '../../async/limit.ts';
import { ArpanetError } from '../../model/errors.ts';
import { createEngineAgent, splitHostPort } from '../../engine/tunnel.ts';
import { engineError, engineJson, engineOpen, engineRequest, type EngineTarget } from '../../engine/request.ts';
import { failureIn } from '../../engine/work-stream.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { ArchiveRequest } from './archive-request.ts';
import { presentLayers } from './layers.ts';
import { watchSilence } from './silence.ts';
import type { ThinArchives } from './thin-archive.ts';

export interface ImageCopyDeps {
  readonly engine: EngineTarget;
  readonly token: string;
  readonly epoch: () => number;
  readonly log: Logger;
  /** For how long a copy may be silent; tests have less patience. */
  readonly silenceMs?: number;
}

export interface ImageCopy {
  readonly reference: string;
  /** `host:port` of the gateway of the host that has it. */
  readonly gateway: string;
}

const MOST_IMAGES = 5_000;
const INSPECTS_AT_ONCE = 8;
/** An Engine that works on an image may be slow to answer. */
const PING_MS = 5_000;

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
  return async ({ reference, without }, signal) => thin.without(await saved(engine, reference, signal), new Set(without));
}

async function saved(engine: EngineTarget, reference: string, signal: AbortSignal): Promise<IncomingMessage> {
  const answer = await engineOpen(engine, { method: 'GET', path: `/images/get?names=${encodeURIComponent(reference)}`, signal });
  if (answer.statusCode !== 200) throw engineError(answer.statusCode ?? 0, await text(answer));
  return answer;
}

interface Inspected {
  readonly RootFS?: { readonly Layers?: readonly string[] | null } | null;
}

async function layersOn(engine: EngineTarget, reference: string, signal: AbortSignal): Promise<readonly string[]> {
  const { RootFS } = await engineJson<Inspected>(engine, { method: 'GET', path: `/images/${reference}/json`, signal });
  return RootFS?.Layers ?? [];
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
  { reference, gateway }: ImageCopy,
  layersHere: ReturnType<typeof createLayerReader>,
  stop: AbortSignal,
): Promise<void> {
  const source = createEngineAgent({ gateway, token: deps.token, epoch: deps.epoch(), log: deps.log });
  const began = performance.now();
  const answers = async (): Promise<boolean> => (await Promise.all([ping({ agent: source }), ping(deps.engine)])).every(Boolean);
  const why = `nothing of image ${reference} has come from ${gateway}`;
  const silence = watchSilence(answers, why, deps.silenceMs === undefined ? {} : { boundMs: deps.silenceMs });
  const signal = AbortSignal.any([stop, silence.signal]);
  try {
    const wanted = await layersOn({ agent: source }, reference, signal);
    const without = presentLayers(wanted, await layersHere(signal));
    const thin = without.length === 0 ? undefined : await askThin(deps, gateway, { reference, without }, signal);
    try {
      await load(deps, silence.tap(thin ?? (await saved({ agent: source }, reference, signal))), reference, signal);
    } catch (error) {
      // an image whose layers were counted on was removed meanwhile
      if (thin === undefined || signal.aborted) throw error;
      deps.log.info({ reference, gateway, err: error }, 'an image without its lower layers could not be loaded: it is copied whole');
      await load(deps, silence.tap(await saved({ agent: source }, reference, signal)), reference, signal);
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
    source.destroy();
  }
}

const ping = (engine: EngineTarget): Promise<boolean> =>
  engineRequest(engine, { method: 'GET', path: '/_ping', timeoutMs: PING_MS }).then(
    () => true,
    () => false,
  );

async function load({ engine }: ImageCopyDeps, archive: Readable, reference: string, signal: AbortSignal): Promise<void> {
  const headers = { 'Content-Type': 'application/x-tar' };
  const loaded = await engineRequest(engine, { method: 'POST', path: '/images/load?quiet=1', body: archive, headers, signal });
  if (loaded.status >= 400) throw engineError(loaded.status, loaded.body.toString());
  const failure = await failureIn([loaded.body]);
  if (failure !== undefined) throw engineError(500, `the Docker Engine cannot load image ${reference}: ${failure}`);
}

/** Undefined: the other agent is of an older release, or cannot now; the whole image can be had from its Engine. */
async function askThin(
  { token, epoch, log }: ImageCopyDeps,
  gateway: string,
  asked: ArchiveRequest,
  signal: AbortSignal,
): Promise<IncomingMessage | undefined> {
  const { host, port } = splitHostPort(gateway);
  const body = JSON.stringify(asked);
  const headers = {
    Authorization: `Bearer ${token}`,
    'Arpanet-Epoch': String(epoch()),
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  };
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = http.request({ host, port, method: 'POST', path: '/image', headers, signal, agent: false });
      request.once('response', resolve).once('error', reject).end(body);
    });
    if (answer.statusCode === 200) return answer;
    const why = await text(answer);
    log.debug({ gateway, status: answer.statusCode, why }, 'no image without the layers that are here: it is copied whole');
  } catch (error) {
    if (signal.aborted) throw error;
    log.debug({ gateway, err: error }, 'no image without the layers that are here: it is copied whole');
  }
  return undefined;
}
