/** What SIGHUP does to a process that has a settings file. Effects: a signal handler, the log. */
import type { Logger } from '../../telemetry/log.ts';
import type { ServiceManager } from './manager.ts';
import { reloadOf } from './reload.ts';

export interface Reloaded<Config> {
  /** The settings with which the process runs. */
  readonly running: Config;
  /** Reads them again. Rejects with `invalid` when they are wrong. */
  readonly read: () => Promise<Config>;
  /** Fields that `take` puts into force. */
  readonly live: readonly string[];
  readonly take: (config: Config) => void;
}

/** At every SIGHUP: applies what can be changed while it runs, and names what wants a restart. Wrong settings leave the old ones in force. */
export function reloadOnHangup<Config extends object>(
  { running, read, live, take }: Reloaded<Config>,
  log: Logger,
  manager: ServiceManager,
): void {
  let current = running;
  process.on('SIGHUP', () => {
    manager.reloading();
    read().then(
      (config) => {
        const { taken, wantRestart } = reloadOf(current, config, live);
        take(config);
        // What wants a restart is compared with what the process was started with each time.
        current = { ...running, ...Object.fromEntries(Object.entries(config).filter(([name]) => live.includes(name))) };
        log.info({ taken }, 'settings read again');
        if (wantRestart.length > 0)
          log.warn({ wantRestart }, 'these settings differ from those that it runs with: they count after a restart');
        manager.ready('settings read again');
      },
      (error: unknown) => {
        log.error({ err: error }, 'settings not applied: those from before stay in force');
        manager.ready('settings not applied, see the log');
      },
    );
  });
}
