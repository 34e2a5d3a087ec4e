/** `arpanet update`. Effects: an HTTP request, the terminal. */
import { ArpanetError } from '../../../model/errors.ts';
import type { ClientFlags, Terminal } from '../../command.ts';
import { assertCompleted } from '../../../deployments/calls.ts';
import { serviceWork } from './service-work.ts';
import { parseDurationMs } from '../../../text/duration.ts';

export interface UpdateFlags extends ClientFlags {
  readonly image?: string;
  readonly env?: readonly string[];
  readonly force?: boolean;
  readonly canary?: string;
  readonly promoteAfter?: string;
  readonly parallelism?: string;
  readonly delay?: string;
  readonly order?: string;
  readonly onFailure?: string;
  readonly monitor?: string;
  readonly drainTime?: string;
}

/** Throws `invalid` for flags that cannot be read or change nothing, `conflict` unless the update completed. */
export async function update(service: string, flags: UpdateFlags, terminal: Terminal): Promise<void> {
  const { image, env, force, canary } = flags;
  const settings = settingsOf(flags);
  if (image === undefined && env === undefined && force !== true && Object.keys(settings).length === 0)
    throw new ArpanetError(
      'invalid',
      'nothing to change: give --image, --env, --force, or how it is updated (--parallelism, --delay, --order, --on-failure, --monitor, --drain-time)',
    );
  const promoteAfterMs = millisecondsOf('--promote-after', flags.promoteAfter);
  if (canary === undefined && promoteAfterMs !== undefined)
    throw new ArpanetError('invalid', '--promote-after is of a canary: give --canary, too');
  const asked = { services: [service], image, env, force, canary, promoteAfterMs, settings };
  const ended = await serviceWork('postServicesUpdate', asked, flags, terminal);
  if (canary === undefined || promoteAfterMs !== undefined) assertCompleted(ended);
}

function settingsOf(flags: UpdateFlags): Record<string, unknown> {
  const parallelism = flags.parallelism === undefined ? undefined : Number(flags.parallelism);
  if (parallelism !== undefined && !(Number.isInteger(parallelism) && parallelism >= 0))
    throw new ArpanetError('invalid', `--parallelism is "${flags.parallelism ?? ''}": it must be a whole number from 0 (all at once)`);
  const settings = {
    parallelism,
    delayMs: millisecondsOf('--delay', flags.delay),
    order: flags.order,
    onFailure: flags.onFailure,
    monitorMs: millisecondsOf('--monitor', flags.monitor),
    drainMs: millisecondsOf('--drain-time', flags.drainTime),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function millisecondsOf(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const milliseconds = parseDurationMs(value);
  if (milliseconds === undefined || milliseconds < 0)
    throw new ArpanetError('invalid', `${flag} is "${value}": write a time as 500ms, 5s or 1m`);
  return milliseconds;
}
