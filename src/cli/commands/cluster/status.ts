/** `arpanet status`. Effects: an HTTP request, the terminal, the exit code. */
import type { StatusReport } from '../../../operator-api/index.ts';
import { clientCall, type Terminal } from '../../command.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';
import { watched } from '../../list.ts';
import { statusText } from '../../output/status.ts';

/** A leader may wait 2 s for its hosts before it answers; a follower passes the request on. */
const TIMEOUT_MS = 15_000;
const HAS_PROBLEMS = 3;

/** Exit code 3 if the cluster has a problem. With --watch it ends by a signal only. */
export async function showStatus({ watch, ...flags }: Flags, terminal: Terminal): Promise<void> {
  const settings = await settingsOf('status', flags, terminal.env);
  const { api, show } = clientCall(settings, terminal);
  const ask = () => api.v1.call('getStatus', {}, { timeoutMs: TIMEOUT_MS });
  const status = await ask();
  if (watch === true) {
    const textOf = (now: StatusReport): string => (settings.json ? JSON.stringify(now) : statusText(now, terminal.columns).trimEnd());
    return await watched(async () => textOf(await ask()), textOf(status), settings.json, terminal);
  }
  show(status, statusText);
  if (status.warnings.length > 0) process.exitCode = HAS_PROBLEMS;
}
