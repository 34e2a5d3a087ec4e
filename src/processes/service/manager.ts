/**
 * What systemd learns of a process that it started: that it is ready, that its event loop turns, that it reloads or ends. Node cannot send the
 * datagrams of sd_notify(3), so the program systemd-notify sends them, which is on every machine that systemd runs.
 * Effects: child processes, timers, and standard error when systemd-notify cannot be run.
 */
import { spawn } from 'node:child_process';
import type { Logger } from '../../telemetry/log.ts';

/** Sends assignments such as `READY=1`. */
export type Notify = (assignments: readonly string[]) => void;

/** What a process reports to the program that started it. */
export interface ServiceManager {
  /** It serves. `status` is what `systemctl status` shows. */
  readonly ready: (status: string) => void;
  /** Its settings are read again; `ready` follows. */
  readonly reloading: () => void;
  readonly stopping: () => void;
}

const NONE: ServiceManager = { ready() {}, reloading() {}, stopping() {} };

/** So many pings in the time after which systemd ends a process that sent none: one may be late, or lost. */
const PINGS_PER_TIMEOUT = 3;

/** With what sd_notify(3) and sd_watchdog_enabled(3) find in the environment; reports nothing where no service manager waits for it. */
export function serviceManager(
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
  { notify = bySystemdNotify(log), pid = process.pid }: { readonly notify?: Notify; readonly pid?: number } = {},
): ServiceManager {
  if (!env['NOTIFY_SOCKET']) return NONE;
  const everyMs = pingEveryMs(env, pid);
  // From a timer, so that a blocked event loop sends none.
  if (everyMs !== undefined) setInterval(() => notify(['WATCHDOG=1']), everyMs).unref();
  return {
    ready: (status) => notify(['READY=1', `STATUS=${status}`]),
    reloading: () => notify(['RELOADING=1']),
    stopping: () => notify(['STOPPING=1']),
  };
}

/** How often systemd wants to hear from this process, in ms; undefined: not at all. */
export function pingEveryMs(env: Readonly<Record<string, string | undefined>>, pid: number): number | undefined {
  const timeoutUs = Number(env['WATCHDOG_USEC']);
  const isOurs = !env['WATCHDOG_PID'] || Number(env['WATCHDOG_PID']) === pid;
  return isOurs && timeoutUs > 0 ? timeoutUs / 1_000 / PINGS_PER_TIMEOUT : undefined;
}

function bySystemdNotify(log: Logger): Notify {
  return (assignments) => {
    spawn('systemd-notify', assignments, { stdio: 'ignore' }).on('error', (err) =>
      log.warn({ err }, 'systemd-notify cannot be run: systemd does not learn that this process is ready'),
    );
  };
}
