/** Effects: counts what the reconcilers of services do, and what they fail at. */
import { counter } from '../../telemetry/metrics.ts';

/** Steps taken, failed ones included. */
export const actionsTaken = counter({
  name: 'arpanet_reconciler_actions_total',
  help: 'Steps that reconcilers took: instances added, removed and started, lost containers replaced.',
  labels: ['reconciler', 'action'],
});

/** Runs that failed; each is tried again. */
export const reconcilerErrors = counter({
  name: 'arpanet_reconciler_errors_total',
  help: 'Runs of reconcilers that failed and are tried again.',
  labels: ['reconciler'],
});
