/** Effects: asks the Engine what the running containers use; only when somebody wants to know (`arpanet top`). */
import { setTimeout as sleep } from 'node:timers/promises';
import { engineJson, type EngineTarget } from '../../engine/request.ts';
import type { ContainerUsage } from '../../model/facts.ts';
import { type Sample, sampleOf, type Stats, usageBetween } from './usage-figures.ts';
import { mapBounded } from '../../async/limit.ts';

const AT_ONCE = 8;
const TIMEOUT_MS = 5_000;
/** Between the two samples of a container that had none before. */
const FIRST_MS = 500;
/** A sample older than this is not compared with: the mean since then would say nothing of now. */
const STALE_MS = 30_000;

/** `running`: ids. A container that is removed meanwhile is left out. Throws when the signal aborts. */
export function createUsage(
  engine: EngineTarget,
  running: () => readonly string[],
  signal: AbortSignal,
): () => Promise<readonly ContainerUsage[]> {
  let last = new Map<string, Sample>();

  async function samples(ids: readonly string[]): Promise<Map<string, Sample>> {
    const found = new Map<string, Sample>();
    await mapBounded(ids, AT_ONCE, async (id) => {
      // `one-shot` (API 1.41): without it the Engine takes a second for two samples of its own.
      const path = `/containers/${id}/stats?stream=false&one-shot=true`;
      const stats = await engineJson<Stats>(engine, { method: 'GET', path, signal, timeoutMs: TIMEOUT_MS }).catch(() => undefined);
      if (stats !== undefined) found.set(id, sampleOf(stats));
    });
    return found;
  }

  return async () => {
    const ids = running();
    const isKnown = (id: string) => Date.now() - (last.get(id)?.atMs ?? 0) < STALE_MS;
    const unsampled = ids.filter((id) => !isKnown(id));
    if (unsampled.length > 0) {
      for (const [id, sample] of await samples(unsampled)) last.set(id, sample);
      await sleep(FIRST_MS, undefined, { signal });
    }
    const now = await samples(ids);
    const usage = [...now].flatMap(([id, sample]) => {
      const before = last.get(id);
      return before === undefined ? [] : [usageBetween(id, before, sample)];
    });
    last = now;
    return usage;
  };
}
