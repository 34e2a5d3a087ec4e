/** `arpanet rebalance`. Effects: HTTP requests, the terminal, the exit code. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { rebalanceText } from '../../output/host-plans.ts';
import { hostWork } from './host-work.ts';

export interface RebalanceFlags extends ClientFlags {
  readonly plan?: boolean;
  readonly max?: string;
  readonly onto?: string;
}

/** Exit code 1 if a container that should have moved stays. */
export async function rebalance(flags: RebalanceFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const limits = { ...(flags.max === undefined ? {} : { max: flags.max }), ...(flags.onto === undefined ? {} : { onto: flags.onto }) };
  if (flags.plan === true) {
    return show(await api.v1.call('getRebalance', limits), rebalanceText);
  }
  const moved = await hostWork('postRebalance', { body: limits }, flags, terminal);
  show(moved, () => `${moved.moved.length} moved`);
  if (moved.stays.length > 0) process.exitCode = 1;
}
