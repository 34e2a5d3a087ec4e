/** `arpanet scale`. Effects: an HTTP request, the terminal. */
import type { ClientFlags, Terminal } from '../../command.ts';
import { serviceWork } from './service-work.ts';

/** `counts`: `abc/web=5`, `web+2`, `worker-1`. The leader reads them. */
export async function scale(counts: readonly string[], flags: ClientFlags, terminal: Terminal): Promise<void> {
  await serviceWork('postServicesScale', { counts }, flags, terminal);
}
