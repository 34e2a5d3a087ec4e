/** `arpanet upgrade`. Effects: HTTP requests, the terminal, the exit code. */
import { setTimeout as sleep } from 'node:timers/promises';
import { mapBounded } from '../../../async/limit.ts';
import type { ApiClient } from '../../api-client.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { resultText, upgradePlan, type UpgradePlan, type UpgradeStep, upgradeText, withTokens } from '../../output/upgrade.ts';
import { hostWork } from '../hosts/host-work.ts';
import { tokenFor } from './token.ts';
import { carryOut } from './upgrade-steps.ts';

/** Of the tokens that are made for printed lines. */
const TOKENS_AT_ONCE = 4;
const TOKEN_TTL = '1d';

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
  const status = () => api.v1.call('getStatus');
  const plan = async (): Promise<UpgradePlan> => {
    const [installer, now] = await Promise.all([api.v1.call('getInstaller'), status()]);
    return upgradePlan(installer, now, { isForced: flags.force === true });
  };
  if (flags.plan === true) {
    const found = await plan();
    // a plan changes nothing: no token is made for its lines
    show({ ...found, steps: await printable(api, found.steps, { isPlan: true }) }, upgradeText);
    if (found.inTheWay.length > 0) process.exitCode = 1;
    return;
  }
  const body = { drain: flags.drain === true, force: flags.force === true };
  const result = await carryOut({
    plan,
    ready: async () => (await status()).deployments.reduce((sum, { ready }) => sum + ready, 0),
    upgrade: async (host) => {
      await hostWork('postHostsUpgrade', { host, body }, flags, terminal);
    },
    ...(flags.drain === true && {
      emptied: {
        isOpen: async (host) => (await status()).hosts.find(({ name }) => name === host)?.availability === 'active',
        activate: async (host) => {
          await api.v1.call('postHostsActivate', { host });
        },
      },
    }),
    say: flags.json === true ? () => undefined : terminal.say,
    now: performance.now.bind(performance),
    pause: () => sleep(1_000),
  });
  // what failed is repaired first: its lines are not printed
  show(result.failed === undefined ? { ...result, left: await printable(api, result.left) } : result, resultText);
  if (result.failed !== undefined || result.left.length > 0) process.exitCode = 1;
  else if (flags.json !== true) await sayWhatIsKept(flags, terminal);
}

/**
 * The steps as they are printed: each line of a host with a join token that is made for this host alone, for a day, but in a plan, where the host uses its own; without TLS there is but the
 * lasting one.
 */
export async function printable(
  api: ApiClient,
  steps: readonly UpgradeStep[],
  { isPlan = false }: { readonly isPlan?: boolean } = {},
): Promise<readonly UpgradeStep[]> {
  const hosts = steps.flatMap(({ kind, name }) => (kind === 'host' ? [name] : []));
  if (hosts.length === 0) return steps;
  const { pin } = await api.v1.call('getInstaller');
  if (isPlan && pin !== undefined) return steps;
  const made = async (): Promise<readonly (readonly [string, string])[]> => {
    if (pin !== undefined)
      return await mapBounded(
        hosts,
        TOKENS_AT_ONCE,
        async (host) => [host, (await tokenFor(api, { ttl: TOKEN_TTL }, host)).token] as const,
      );
    const { token } = await tokenFor(api, {});
    return hosts.map((host) => [host, token] as const);
  };
  // who may look may make none: hosts then use the one that they have
  return withTokens(steps, new Map(await made().catch(() => [])));
}

/** What the release before may read still, so that there is a way back. */
async function sayWhatIsKept(flags: UpgradeFlags, terminal: Terminal): Promise<void> {
  const { schema, newest } = await clientCall(flags, terminal).api.v1.call('getSchema');
  if (schema < newest)
    terminal.say(
      'The state store is as the release before reads it: you may go back. "arpanet upgrade --confirm" ends that, and lets it have what is new.',
    );
}

/** From now on the store may have what the release before cannot read. Refused while a scheduler of the cluster cannot. */
async function confirmSchema(flags: UpgradeFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const report = await api.v1.call('postSchema');
  show(
    report,
    ({ schema }) =>
      `The state store may have all that this release can write (schema ${schema}). A release that cannot read that leads no more.`,
  );
}
