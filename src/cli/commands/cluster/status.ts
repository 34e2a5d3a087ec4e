/** `arpanet status`. Effects: an HTTP request, the terminal, the exit code. */
import type { StatusReport } from '../../../operator-api/index.ts';
import { clientCall, type Terminal } from '../../command.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';
import { statusText } from '../../output/status.ts';

/** A leader may wait 2 s for its hosts before it answers; a follower passes the request on. */
const TIMEOUT_MS = 15_000;
const HAS_PROBLEMS = 3;

/** Exit code 3 if the cluster has a problem. */
export async function showStatus(flags: Flags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(await settingsOf('status', flags, terminal.env), terminal);
  const status = await api.json<StatusReport>('/arpanet/v1/status', { timeoutMs: TIMEOUT_MS });
  show(status, statusText);
  if (status.warnings.length > 0) process.exitCode = HAS_PROBLEMS;
}
