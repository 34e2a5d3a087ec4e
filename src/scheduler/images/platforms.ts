/**
 * What images were built for. Where all hosts are of one kind nobody is asked; else the first create of an image asks a host that has it, once.
 * Effects: a call to an Engine. State: what was learned, in memory.
 */
import { LRUCache } from 'lru-cache';
import type { Core } from '../core.ts';
import { goArch } from '../placement/filters/platform.ts';

const TIMEOUT_MS = 5_000;
const MOST_IMAGES = 5_000;

export interface Platforms {
  /** Learns what the image is built for that this reference means now. Never rejects: what cannot be learned is not looked at. */
  readonly learn: (reference: string) => Promise<void>;
  /** `linux/arm64`, by image id; undefined: unknown, or no host is of this kind, and an Engine may still run it by emulation. */
  readonly of: (id: string) => string | undefined;
}

export function createPlatforms(core: Pick<Core, 'deps' | 'summaries' | 'images' | 'engines' | 'keyed'>): Platforms {
  const { deps, summaries, images, engines, keyed } = core;
  const known = new LRUCache<string, string>({ max: MOST_IMAGES });

  async function ask(id: string, host: string): Promise<void> {
    const path = `${engines.versionPath(host)}/images/${id}/json`;
    const { Os, Architecture } = await engines.json<{ readonly Os?: string; readonly Architecture?: string }>(host, {
      method: 'GET',
      path,
      timeoutMs: TIMEOUT_MS,
    });
    if (Os && Architecture) known.set(id, `${Os}/${goArch(Architecture)}`);
  }

  return {
    async learn(reference) {
      if (summaries.pool().platforms().length < 2) return;
      const image = images.find(reference);
      const [host] = image?.holders ?? [];
      if (image === undefined || host === undefined || known.has(image.id)) return;
      await keyed
        .shared(`platform/${image.id}`, () => ask(image.id, host))
        .catch((error: unknown) => {
          deps.log.debug({ image: reference, host, err: error }, 'an image does not say what it was built for');
        });
    },
    of(id) {
      const platform = known.get(id);
      return platform !== undefined && summaries.pool().platforms().includes(platform) ? platform : undefined;
    },
  };
}
