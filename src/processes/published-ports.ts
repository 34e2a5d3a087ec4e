/** Wires published ports to the scheduler. Effects: those of the publish room. */
import type { Scheduler, ViewStatus } from '../contracts/index.ts';
import { startPublishing, type Target } from '../publish/index.ts';
import type { Logger } from '../telemetry/log.ts';

/** The scheduler's view; what a refresh has shown to be published answers at `address` before its client is answered. Undefined: nothing is published but on hosts. */
export function publishedView(
  { view, containers, engines }: Pick<Scheduler, 'view' | 'containers' | 'engines'>,
  address: string | undefined,
  log: Logger,
  lost: AbortSignal,
): ViewStatus {
  if (address === undefined) return view;
  const open = ({ host, ...to }: Target, signal: AbortSignal) => engines.openPort(host, to, signal);
  const publishing = startPublishing({ containers: containers.list, onChange: view.onChange, address, log, open }, lost);
  return {
    version: view.version,
    containersBy: view.containersBy,
    onChange: view.onChange,
    async refresh(host, what) {
      await view.refresh(host, what);
      await publishing.settled();
    },
    settled: view.settled,
    ...(view.replicas && { replicas: view.replicas }),
  };
}
