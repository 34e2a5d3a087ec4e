/**
 * How many addresses the networks of a deploy need. What runs beside the instances in an update is as compose-spec's deploy.md, `update_config`, has it. Pure.
 */
import type { Wave } from './plan.ts';

/** How many times its instances a network has room for: services are scaled, and one-off containers run. */
const ROOM_TO_GROW = 2;

/**
 * Addresses of one network, by its name in the cluster: for the instances twice over, for those that run beside others during updates and drains,
 * for each host, and for the gateway.
 */
export function addressesNeeded(waves: readonly Wave[], network: string, hosts: number): number {
  const inIt = waves.filter(({ steps }) =>
    steps.some(({ request }) => Object.hasOwn(request?.NetworkingConfig?.EndpointsConfig ?? {}, network)),
  );
  const instances = inIt.reduce((sum, { count }) => sum + count, 0);
  const surge = inIt.reduce((sum, wave) => sum + surgeOf(wave), 0);
  return instances * ROOM_TO_GROW + surge + hosts + 1;
}

/** How many more than its count run for a while: a drain moves one after the other. */
function surgeOf({ count, isGlobal, update }: Wave): number {
  if (isGlobal) return 0;
  const atOnce = update.order === 'start-first' ? update.parallelism || count : 1;
  return Math.min(atOnce, count);
}
