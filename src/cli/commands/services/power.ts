/** `arpanet stop`, `start` and `restart`. Effects: an HTTP request, the terminal. */
import type { ClientFlags, Terminal } from '../../command.ts';
import { serviceWork } from './service-work.ts';

const OPERATIONS = { stop: 'postServicesStop', start: 'postServicesStart', restart: 'postServicesRestart' } as const;

export async function power(
  verb: 'stop' | 'start' | 'restart',
  services: readonly string[],
  flags: ClientFlags,
  terminal: Terminal,
): Promise<void> {
  await serviceWork(OPERATIONS[verb], { services }, flags, terminal);
}
