/** Runs the commands of a container's label `arpanet.hooks`, as compose does around its own starts and stops. Effects: HTTP requests. */
import { type ExecAccess, runToEnd } from '../engine/exec.ts';
import { type ContainerInspect, labels } from '../model/index.ts';
import { execOf, hookName, type HookTime, parseHooks } from '../text/hooks-label.ts';
import type { ClusterCalls } from './calls.ts';

/** Throws `conflict` with what the first that fails printed last; does nothing in a container that does not run. */
export async function runHooks(api: ClusterCalls, container: string, time: HookTime): Promise<void> {
  const { Name, Config, State } = await api.json<ContainerInspect>(`/containers/${container}/json`);
  const label = Config.Labels?.[labels.hooks];
  if (!label || !State.Running) return;
  const access: ExecAccess = {
    json: (method, path, body) => api.json(path, { method, body }),
    open: (path, body) => api.open(path, new AbortController().signal, { method: 'POST', body }),
  };
  for (const hook of parseHooks(label)?.[time] ?? []) await runToEnd(access, container, execOf(hook), hookName(Name.slice(1), time, hook));
}
