/** Runs the commands of the label `arpanet.hooks` in an instance. Effects: calls to Engines. */
import { engineError, engineOpen, type ExecAccess, runToEnd } from '../../engine/index.ts';
import { type ContainerView, labels } from '../../model/index.ts';
import { execOf, hookName, type HookTime, parseHooks } from '../../text/hooks-label.ts';
import type { ServicesDeps } from '../deps.ts';
import { callEngine } from '../engine-calls.ts';

const TIMEOUT_MS = 60_000;
/** A command that runs longer has failed. */
const LONGEST_MS = 10 * 60_000;

type Deps = Pick<ServicesDeps, 'scheduler' | 'log'>;

/** One after the other. Throws `conflict` with what the first that fails printed last; `engine`, `unavailable`. */
export async function runHooks(deps: Deps, container: ContainerView, time: HookTime, lost: AbortSignal): Promise<void> {
  const label = container.record?.request.Labels?.[labels.hooks];
  const hooks = (label ? parseHooks(label) : undefined)?.[time] ?? [];
  if (hooks.length === 0) return;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), LONGEST_MS);
  const end = () => limit.abort();
  lost.addEventListener('abort', end);
  try {
    const access = accessTo(deps, container.host, limit.signal);
    for (const hook of hooks) await runToEnd(access, container.id, execOf(hook), hookName(container.name, time, hook));
  } finally {
    clearTimeout(timer);
    lost.removeEventListener('abort', end);
  }
}

/** A command that fails does not prevent the stop: what it printed is logged. */
export async function runLastHooks(deps: Deps, container: ContainerView, lost: AbortSignal): Promise<void> {
  if (!container.facts.inspect.State.Running) return;
  try {
    await runHooks(deps, container, 'pre_stop', lost);
  } catch (error) {
    if (lost.aborted) throw error;
    deps.log.warn({ container: container.name, host: container.host, err: error }, 'a pre_stop command failed; the stop goes on');
  }
}

function accessTo({ scheduler }: Deps, host: string, signal: AbortSignal): ExecAccess {
  return {
    async json<T>(method: string, path: string, body?: unknown) {
      const call = { method, path, timeoutMs: TIMEOUT_MS, ...(body === undefined ? {} : { body }) };
      const answer = await callEngine(scheduler.engines, host, call);
      if (answer.status >= 300) throw engineError(answer.status, answer.body.toString());
      return JSON.parse(answer.body.toString()) as T;
    },
    open: (path, body) => engineOpen({ agent: scheduler.engines.endpoint(host).agent }, { method: 'POST', path, body, signal }),
  };
}
