/** What all containers use. Effects: a question to each host's agent. */
import type { ContainerUsage } from '../model/index.ts';
import type { Scheduler } from '../contracts/index.ts';

/** Of all hosts that answer. */
export async function usageOf(scheduler: Scheduler): Promise<readonly ContainerUsage[]> {
  const alive = scheduler.hosts.list().filter((host) => host.state === 'alive');
  return (await Promise.all(alive.map(({ name }) => scheduler.agents.usage(name).catch(() => [])))).flat();
}
