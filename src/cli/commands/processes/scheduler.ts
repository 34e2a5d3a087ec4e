/** `arpanet scheduler`: its settings, read; what it does is processes/scheduler. Effects: those of the scheduler that it runs. */
import { hostname } from 'node:os';
import { catchFaults } from '../../../processes/fault-net.ts';
import { openLog } from '../../../processes/logger.ts';
import { schedulerSettings, schedulingSettings, warnOfExposed } from '../../../processes/scheduler-settings.ts';
import { runScheduler } from '../../../processes/scheduler.ts';
import { apiAnswers } from '../../../processes/service/answers.ts';
import { serviceManager } from '../../../processes/service/manager.ts';
import { reloadOnHangup } from '../../../processes/service/on-reload.ts';
import { inBackground } from '../../../telemetry/faults.ts';
import type { Terminal } from '../../command.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';
import { endSignal } from './end-signal.ts';

export async function scheduler(flags: Flags, { env }: Terminal): Promise<void> {
  const config = await settingsOf('scheduler', flags, env);
  const logging = openLog(config.logLevel);
  catchFaults(logging.log, (code) => process.exit(code));
  const settings = schedulerSettings(config, hostname());
  warnOfExposed(logging.log, settings.exposed);
  const manager = serviceManager(env, logging.log);
  const signal = endSignal();
  signal.addEventListener('abort', manager.stopping, { once: true });
  await runScheduler(settings, logging, signal, {
    ready: () => inBackground(logging.log, 'the readiness of the API', apiAnswers(settings.listen, signal).then(manager.ready)),
    onReload(take) {
      if (flags['config'] === undefined) return;
      const live = Object.keys(settings.own);
      const reloaded = {
        running: config,
        read: async () => await settingsOf('scheduler', flags, env),
        live,
        take(next: typeof config) {
          logging.setOwnLevel(next.logLevel);
          take(schedulingSettings(next, hostname()).own);
        },
      };
      reloadOnHangup(reloaded, logging.log, manager);
    },
  });
}
