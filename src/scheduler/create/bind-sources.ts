/**
 * Bind mounts on hosts that do not have their source: a relative path in a compose file means a folder of the developer's machine, and an Engine
 * makes an empty one without notice. Effects: asks the host's agent.
 */
import { ArpanetError, type ContainerView, isKind, labels } from '../../model/index.ts';
import { parseListLabel } from '../../text/list-label.ts';
import { hostPathsIn } from '../../text/mount-spec.ts';
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

/**
 * Binds of somebody whose policy names paths: on the host, with all symbolic links followed, each is below one of these. Rejects with `forbidden`, and
 * `unavailable` where the host's agent does not say. What happens between its answer and the mount nobody sees.
 */
export async function holdBinds(
  core: Pick<Core, 'hub'>,
  host: string,
  given: Readonly<Record<string, string>> | null | undefined,
  paths: readonly string[],
): Promise<void> {
  const label = given?.[labels.bindPrefixes];
  if (label === undefined || paths.length === 0) return;
  const prefixes = parseListLabel(label) ?? [];
  const [real, allowed] = (await Promise.all(
    [paths, prefixes].map((asked) => core.hub.call(host, { method: 'real-paths', paths: asked }, LOOK_TIMEOUT_MS)),
  )) as readonly (readonly string[])[];
  const isBelow = (path: string, prefix: string): boolean =>
    prefix !== '' && (path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`));
  const outside = paths.findIndex((_, at) => !allowed?.some((prefix) => isBelow(real?.[at] ?? '', prefix)));
  if (outside < 0) return;
  throw new ArpanetError(
    'forbidden',
    `refused by the policy: the host's path ${JSON.stringify(paths[outside])} leads to ${JSON.stringify(real?.[outside] ?? '')} on host ${host}, and may lead below ${prefixes.join(', ')}`,
  );
}

/** The same of a container that is about to start. */
export const holdBindsOf = async (core: Pick<Core, 'hub'>, { host, facts: { inspect } }: ContainerView): Promise<void> =>
  await holdBinds(core, host, inspect.Config['Labels'], hostPathsIn(inspect.HostConfig));

/** An Engine's refusal of a bind mount, with the host that it speaks of. */
export function namingHost(error: unknown, host: string): unknown {
  if (!isKind(error, 'engine') || !error.message.includes('bind source path does not exist')) return error;
  const { engineStatus } = error;
  const options = engineStatus === undefined ? {} : { engineStatus };
  return new ArpanetError('engine', `${error.message} (on host ${host}, which was chosen for the container)`, options);
}
