/** `arpanet scheduler`: its settings, read; what it does is processes/scheduler. Effects: those of the scheduler that it runs. */
import { hostname } from 'node:os';
import { catchFaults } from '../../../processes/fault-net.ts';
import { openLog } from '../../../processes/logger.ts';
import { schedulerSettings, warnOfExposed } from '../../../processes/scheduler-settings.ts';
import { runScheduler } from '../../../processes/scheduler.ts';
import type { Terminal } from '../../command.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';
import { endSignal } from './end-signal.ts';

export async function scheduler(flags: Flags, { env }: Terminal): Promise<void> {
  const config = await settingsOf('scheduler', flags, env);
  const logging = openLog(config.logLevel);
  catchFaults(logging.log, (code) => process.exit(code));
  const settings = schedulerSettings(config, hostname());
  warnOfExposed(logging.log, settings.exposed);
  await runScheduler(settings, logging, endSignal());
}
