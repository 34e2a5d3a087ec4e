/** `arpanet scheduler`: its settings, read; what it does is processes/scheduler. Effects: those of the scheduler that it runs. */
import { hostname } from 'node:os';
import { catchFaults } from '../../../processes/fault-net.ts';
import { openLog } from '../../../processes/logger.ts';
import { schedulerSettings } from '../../../processes/scheduler-settings.ts';
import { runScheduler } from '../../../processes/scheduler.ts';
import type { Terminal } from '../../command.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';
import { endSignal } from './end-signal.ts';

export async function scheduler(flags: Flags, { env }: Terminal): Promise<void> {
  const config = await settingsOf('scheduler', flags, env);
  const logging = openLog(config.logLevel);
  catchFaults(logging.log, (code) => process.exit(code));
  const { listen } = config;
  if (!/^(127\.|localhost$|::1$)/.test(listen.host)) {
    logging.log.warn(
      { listen },
      'LISTENING WITHOUT TLS ON AN ADDRESS THAT OTHERS MAY REACH: any client that reaches it has root on every host; keep it on a private network',
    );
  }
  await runScheduler(schedulerSettings(config, hostname()), logging, endSignal());
}
