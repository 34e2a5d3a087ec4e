/** `arpanet rollback`. Effects: an HTTP request, the terminal. */
import type { ClientFlags, Terminal } from '../../command.ts';
import { assertCompleted } from '../../../deployments/calls.ts';
import { serviceWork } from './service-work.ts';

/** Throws `conflict` unless the rollback completed. */
export async function rollback(service: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  assertCompleted(await serviceWork('postServicesRollback', { services: [service] }, flags, terminal));
}
