/** Gives back leases that have rested long enough. Effects: a timer, writes to the ledger. */
import { commitInPieces, type Core } from '../core.ts';
import { guarded } from '../../telemetry/faults.ts';

const SWEEP_EVERY_MS = 5_000;

export function startLeaseSweeper({ deps, commit, lost }: Core): void {
  async function sweep(): Promise<void> {
    try {
      for (let changes = deps.dhcp.leases.sweep(); changes.length > 0 && !lost.aborted; changes = deps.dhcp.leases.sweep())
        await commitInPieces(commit, changes);
    } catch (error) {
      deps.log.debug({ err: error }, 'could not remove expired leases; trying again later');
    }
  }
  const timer = setInterval(guarded(deps.log, 'releasing expired leases', sweep), SWEEP_EVERY_MS);
  lost.addEventListener('abort', () => clearInterval(timer));
}
