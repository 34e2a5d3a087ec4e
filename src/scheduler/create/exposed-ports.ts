/** The ports that `-P` publishes: the request's and its image's. Effects: asks an Engine that has the image, once for each image. */
import { LRUCache } from 'lru-cache';
import type { CreateRequest } from '../../model/index.ts';
import type { Core } from '../core.ts';

const IMAGE_TIMEOUT_MS = 5_000;
const MOST = 500;

/** By image id; an image never changes. */
export function createExposedPorts({ deps, images, engines }: Pick<Core, 'deps' | 'images' | 'engines'>) {
  const known = new LRUCache<string, readonly string[]>({ max: MOST });

  async function ofImage(reference: string): Promise<readonly string[]> {
    const image = images.find(reference);
    const [host] = image?.hosts ?? [];
    if (image === undefined || host === undefined) return [];
    const before = known.get(image.id);
    if (before !== undefined) return before;
    try {
      const path = `${engines.versionPath(host)}/images/${image.id}/json`;
      const { Config } = await engines.json<{ readonly Config?: Pick<CreateRequest, 'ExposedPorts'> | null }>(host, {
        method: 'GET',
        path,
        timeoutMs: IMAGE_TIMEOUT_MS,
      });
      const ports = Object.keys(Config?.ExposedPorts ?? {});
      known.set(image.id, ports);
      return ports;
    } catch (error) {
      deps.log.debug(
        { image: reference, host, err: error },
        'could not read which ports an image exposes: its Engine chooses their numbers',
      );
      return [];
    }
  }

  /** Empty where it makes no difference: without `-P`, or where each host answers for itself. Never rejects. */
  return async ({ HostConfig, ExposedPorts, Image = '' }: CreateRequest): Promise<readonly string[]> => {
    if (HostConfig?.PublishAllPorts !== true || !deps.settings.isPublishing) return [];
    return [...new Set([...Object.keys(ExposedPorts ?? {}), ...(await ofImage(Image))])];
  };
}
