/** `arpanet rm`. Effects: an HTTP request, the terminal. */
import type { ClientFlags, Terminal } from '../../command.ts';
import { serviceWork } from './service-work.ts';

export async function removeServices(services: readonly string[], flags: ClientFlags, terminal: Terminal): Promise<void> {
  await serviceWork('postServicesRm', { services }, flags, terminal);
}
