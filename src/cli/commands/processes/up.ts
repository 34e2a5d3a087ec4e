/** `arpanet up`: its settings, read; what it does is processes/up. Effects: those of the cluster that it runs. */
import { hostname } from 'node:os';
import { catchFaults } from '../../../processes/fault-net.ts';
import { openLog } from '../../../processes/logger.ts';
import { runUp } from '../../../processes/up.ts';
import type { Terminal } from '../../command.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';
import { endSignal } from './end-signal.ts';
import { listenSettings, schedulingSettings, warnOfExposed } from '../../../processes/scheduler-settings.ts';

export async function up(flags: Flags, { env, say }: Terminal): Promise<void> {
  const config = await settingsOf('up', flags, env);
  const logging = openLog(config.logLevel === 'info' ? 'warn' : config.logLevel);
  catchFaults(logging.log, (code) => process.exit(code));
  const { listen, alsoListen, tls, exposed } = listenSettings(config);
  warnOfExposed(logging.log, exposed);
  await runUp(
    {
      hosts: config.hosts,
      listen,
      alsoListen,
      data: config.data,
      engine: config.engine,
      scheduler: { ...schedulingSettings(config, hostname()), tls, exposed },
      isPublishing: config.publishAt !== 'none',
      logLevel: config.logLevel,
    },
    logging,
    endSignal(),
    say,
  );
}
