/**
 * Bind mounts on hosts that do not have their source: a relative path in a compose file means a folder of the developer's machine, and an Engine
 * makes an empty one without notice. Effects: asks the host's agent.
 */
import { ArpanetError, isKind } from '../../model/index.ts';
import type { Core } from '../core.ts';

const LOOK_TIMEOUT_MS = 2_000;

/** Warnings for the answer to a create. Never rejects: an agent that does not answer has nothing to warn of. */
export async function missingSources(core: Core, host: string, paths: readonly string[]): Promise<readonly string[]> {
  if (paths.length === 0) return [];
  try {
    const missing = (await core.hub.call(host, { method: 'missing-paths', paths }, LOOK_TIMEOUT_MS)) as readonly string[];
    return missing.map(
      (path) =>
        `bind source ${path} did not exist on host ${host}, where the container landed: its Engine made an empty folder there. Put the files on that host, or use a volume or an image.`,
    );
  } catch (error) {
    core.deps.log.debug({ host, err: error }, 'could not look for bind sources');
    return [];
  }
}

/** An Engine's refusal of a bind mount, with the host that it speaks of. */
export function namingHost(error: unknown, host: string): unknown {
  if (!isKind(error, 'engine') || !error.message.includes('bind source path does not exist')) return error;
  const { engineStatus } = error;
  const options = engineStatus === undefined ? {} : { engineStatus };
  return new ArpanetError('engine', `${error.message} (on host ${host}, which was chosen for the container)`, options);
}
