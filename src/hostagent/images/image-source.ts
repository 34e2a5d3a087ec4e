/** Effects: where an image is copied from: another host's gateway. By plain HTTP that is its Engine, through a tunnel; by TLS what the gateway gives of images, and no more. */
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import type { ConnectionOptions } from 'node:tls';
import { messageIn } from '../../engine/upgrade.ts';
import { createEngineAgent, type EngineAgentOptions, splitHostPort } from '../../engine/tunnel.ts';
import { engineError, engineJson, engineOpen, engineRequest, type EngineTarget } from '../../engine/request.ts';
import { ArpanetError } from '../../model/errors.ts';
import { accept, imageLayers, parseJson } from '../../schemas/index.ts';
import type { ArchiveRequest } from './archive-request.ts';

/** Throws `engine`, `unavailable`. */
export interface ImageSource {
  readonly layers: (reference: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** The archive without these layers; undefined: the other agent is of an older release, or cannot now. */
  readonly thin: (asked: ArchiveRequest, signal: AbortSignal) => Promise<IncomingMessage | undefined>;
  readonly whole: (reference: string, signal: AbortSignal) => Promise<IncomingMessage>;
  /** Its Engine does, at all. */
  readonly answers: () => Promise<boolean>;
  readonly close: () => void;
}

/** An Engine that works on an image may be slow to answer. */
const PING_MS = 5_000;

/** An Engine's archive of an image. Throws `engine`. */
export async function saved(engine: EngineTarget, reference: string, signal: AbortSignal): Promise<IncomingMessage> {
  const answer = await engineOpen(engine, { method: 'GET', path: `/images/get?names=${encodeURIComponent(reference)}`, signal });
  if (answer.statusCode !== 200) throw engineError(answer.statusCode ?? 0, await text(answer));
  return answer;
}

interface Inspected {
  readonly RootFS?: { readonly Layers?: readonly string[] | null } | null;
}

/** The layers of an image on an Engine. Throws `engine`. */
export async function layersOn(engine: EngineTarget, reference: string, signal: AbortSignal): Promise<readonly string[]> {
  const { RootFS } = await engineJson<Inspected>(engine, { method: 'GET', path: `/images/${reference}/json`, signal });
  return RootFS?.Layers ?? [];
}

/** Whether an Engine answers. */
export const ping = (engine: EngineTarget): Promise<boolean> =>
  engineRequest(engine, { method: 'GET', path: '/_ping', timeoutMs: PING_MS }).then(
    () => true,
    () => false,
  );

/** By plain HTTP and the join token. */
export function plainSource(options: EngineAgentOptions): ImageSource {
  const agent = createEngineAgent(options);
  const { gateway, token, epoch, log } = options;
  return {
    layers: (reference, signal) => layersOn({ agent }, reference, signal),
    whole: (reference, signal) => saved({ agent }, reference, signal),
    answers: () => ping({ agent }),
    close: () => agent.destroy(),
    async thin(asked, signal) {
      try {
        const answer = await post(
          gateway,
          '/image',
          asked,
          { Authorization: `Bearer ${token}`, 'Arpanet-Epoch': String(epoch) },
          undefined,
          signal,
        );
        if (answer.statusCode === 200) return answer;
        const why = await text(answer);
        log.debug({ gateway, status: answer.statusCode, why }, 'no image without the layers that are here: it is copied whole');
      } catch (error) {
        if (signal.aborted) throw error;
        log.debug({ gateway, err: error }, 'no image without the layers that are here: it is copied whole');
      }
      return undefined;
    },
  };
}

/** By TLS, as this host. */
export function securedSource(gateway: string, tls: ConnectionOptions, epoch: number): ImageSource {
  const ask = async (path: string, asked: ArchiveRequest, signal: AbortSignal): Promise<IncomingMessage> => {
    const answer = await post(gateway, path, asked, { 'Arpanet-Epoch': String(epoch) }, tls, signal).catch((cause: unknown) => {
      throw new ArpanetError('unavailable', `cannot reach the engine gateway ${gateway}`, { cause });
    });
    if (answer.statusCode === 200) return answer;
    const said = await text(answer);
    const status = answer.statusCode ?? 0;
    if (status === 403 || status === 503 || status === 409)
      throw new ArpanetError('unavailable', messageIn(said) ?? `${gateway} answered ${status}`);
    throw engineError(status, said);
  };
  let last = '';
  return {
    async layers(reference, signal) {
      last = reference;
      const said = await text(await ask('/layers', { reference, without: [] }, signal));
      return accept(imageLayers, parseJson(said), `the answer of ${gateway}`).layers;
    },
    thin: (asked, signal) => ask('/image', asked, signal),
    whole: (reference, signal) => ask('/image', { reference, without: [] }, signal),
    answers: () =>
      ask('/layers', { reference: last, without: [] }, AbortSignal.timeout(PING_MS)).then(
        (answer) => answer.resume() === answer,
        () => false,
      ),
    close: () => undefined,
  };
}

function post(
  gateway: string,
  path: string,
  asked: ArchiveRequest,
  proof: Readonly<Record<string, string>>,
  tls: ConnectionOptions | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { host, port } = splitHostPort(gateway);
  const body = JSON.stringify(asked);
  const headers = { ...proof, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const how = { host, port, method: 'POST', path, headers, signal, agent: false } as const;
  return new Promise((resolve, reject) => {
    const request = tls === undefined ? http.request(how) : https.request({ ...how, ...tls });
    request.once('response', resolve).once('error', reject).end(body);
  });
}
