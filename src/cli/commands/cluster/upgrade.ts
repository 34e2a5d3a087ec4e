/** `arpanet upgrade`. Effects: HTTP requests, the terminal, the exit code. */
import type { Installer, StatusReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { upgradePlan, upgradeText } from '../../output/upgrade.ts';

/** Changes nothing. Exit code 1 where a host is not alive: it is repaired before others are upgraded. */
export async function showUpgrade(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const [installer, status, token] = await Promise.all([
    api.json<Installer>('/arpanet/v1/installer'),
    api.json<StatusReport>('/arpanet/v1/status'),
    // who may look may not see it: hosts then use the one that they have
    api.json<{ readonly token: string }>('/arpanet/v1/token').catch(() => undefined),
  ]);
  const plan = upgradePlan(installer, status, token?.token);
  show(plan, upgradeText);
  if (plan.inTheWay.length > 0) process.exitCode = 1;
}
