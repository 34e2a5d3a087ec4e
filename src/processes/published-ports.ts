/** Wires published ports to the scheduler. Effects: those of the published room. */
import { startPublishing, type Target } from '../publish/index.ts';
import type { Scheduler } from '../scheduler/index.ts';
import type { Logger } from '../telemetry/log.ts';

/** The same scheduler; what it has shown to be published answers at `address` before its client is told. Undefined: nothing is published but on hosts. */
export function withPublished(scheduler: Scheduler, address: string | undefined, log: Logger, lost: AbortSignal): Scheduler {
  if (address === undefined) return scheduler;
  const open = ({ host, ...to }: Target, signal: AbortSignal) => scheduler.openPort(host, to, signal);
  const publishing = startPublishing({ ...scheduler, address, log, open }, lost);
  return {
    ...scheduler,
    async sync(host, what) {
      await scheduler.sync(host, what);
      await publishing.settled();
    },
  };
}
