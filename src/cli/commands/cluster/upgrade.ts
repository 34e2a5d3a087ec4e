/** `arpanet upgrade`. Effects: HTTP requests, the terminal, the exit code. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostUpgrade } from '../../../contracts/index.ts';
import type { Installer, SchemaReport, StatusReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { resultText, upgradePlan, type UpgradePlan, upgradeText } from '../../output/upgrade.ts';
import { hostPath, hostWork } from '../hosts/host-work.ts';
import { carryOut } from './upgrade-steps.ts';

export interface UpgradeFlags extends ClientFlags {
  readonly plan?: boolean;
  readonly drain?: boolean;
  readonly force?: boolean;
  readonly confirm?: boolean;
}

/** Exit code 1 where something failed, or is left to an operator; with `--plan` where a host is not alive. */
export async function upgrade(flags: UpgradeFlags, terminal: Terminal): Promise<void> {
  if (flags.confirm === true) return confirmSchema(flags, terminal);
  const { api, show } = clientCall(flags, terminal);
  const status = () => api.json<StatusReport>('/arpanet/v1/status');
  const plan = async (): Promise<UpgradePlan> => {
    const [installer, now, token] = await Promise.all([
      api.json<Installer>('/arpanet/v1/installer'),
      status(),
      // who may look may not see it: hosts then use the one that they have
      api.json<{ readonly token: string }>('/arpanet/v1/token').catch(() => undefined),
    ]);
    return upgradePlan(installer, now, { token: token?.token, isForced: flags.force === true });
  };
  if (flags.plan === true) {
    const found = await plan();
    show(found, upgradeText);
    if (found.inTheWay.length > 0) process.exitCode = 1;
    return;
  }
  const body = { drain: flags.drain === true, force: flags.force === true };
  const result = await carryOut({
    plan,
    ready: async () => (await status()).deployments.reduce((sum, { ready }) => sum + ready, 0),
    upgrade: async (host) => {
      await hostWork<HostUpgrade>(hostPath(host, '/upgrade'), body, flags, terminal);
    },
    ...(flags.drain === true && {
      emptied: {
        isOpen: async (host) => (await status()).hosts.find(({ name }) => name === host)?.availability === 'active',
        activate: async (host) => api.json(hostPath(host, '/activate'), { method: 'POST', body: {} }),
      },
    }),
    say: flags.json === true ? () => undefined : terminal.say,
    now: performance.now.bind(performance),
    pause: () => sleep(1_000),
  });
  show(result, resultText);
  if (result.failed !== undefined || result.left.length > 0) process.exitCode = 1;
  else if (flags.json !== true) await sayWhatIsKept(flags, terminal);
}

/** What the release before may read still, so that there is a way back. */
async function sayWhatIsKept(flags: UpgradeFlags, terminal: Terminal): Promise<void> {
  const { schema, newest } = await clientCall(flags, terminal).api.json<SchemaReport>('/arpanet/v1/schema');
  if (schema < newest)
    terminal.say(
      'The state store is as the release before reads it: you may go back. "arpanet upgrade --confirm" ends that, and lets it have what is new.',
    );
}

/** From now on the store may have what the release before cannot read. Refused while a scheduler of the cluster cannot. */
async function confirmSchema(flags: UpgradeFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const report = await api.json<SchemaReport>('/arpanet/v1/schema', { method: 'POST' });
  show(
    report,
    ({ schema }) =>
      `The state store may have all that this release can write (schema ${schema}). A release that cannot read that leads no more.`,
  );
}
