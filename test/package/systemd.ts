/** What an administrator's machine has and a folder has not: systemctl and sudo, for tests that install packages. Effects: processes of a bare machine. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BareMachine, startUnit } from './bare-machine.ts';

/** There is no systemd in a folder: what it is asked to start is started by the test, by the same lines. */
const SYSTEMCTL = `#!/bin/sh
for unit; do :; done
unit=\${unit%.service}
case "$*" in
  *--now*disable*|*disable*--now*) touch "/run/systemd/stop.$unit"; while [ -e "/run/systemd/stop.$unit" ]; do sleep 0.2; done ;;
  *--now*|restart*) touch "/run/systemd/start.$unit"; while [ -e "/run/systemd/start.$unit" ]; do sleep 0.2; done ;;
esac
case "$*" in is-active*) kill -0 "$(cat "/run/systemd/run.$unit" 2>/dev/null)" 2>/dev/null; exit ;; esac
case "$*" in *--now*|restart*) ;; *) exit 0 ;; esac
case "$*" in *disable*) exit 0 ;; esac
[ "$unit" != arpanet-scheduler ] || until curl -sf http://127.0.0.1:2375/_ping >/dev/null; do sleep 0.5; done
`;

/** A unit of its own, which the end of who began it does not end. It is patient for a few seconds and not for a minute. */
const SYSTEMD_RUN = `#!/bin/sh
while :; do case $1 in --unit=*) unit=\${1#--unit=} ;; --*) ;; *) break ;; esac; shift; done
ARPANET_JOIN_TRIES=8 setsid "$@" </dev/null >/dev/null 2>&1 &
echo $! > "/run/systemd/run.$unit"
`;

/** Serves a machine's systemctl, until it is disposed of. A machine with the file /root/only starts no other release than that. */
export async function systemd(machine: BareMachine, logs: string): Promise<Disposable> {
  for (const [name, text] of [
    ['systemctl', SYSTEMCTL],
    ['systemd-run', SYSTEMD_RUN],
    ['sudo', '#!/bin/sh\nexec "$@"\n'],
  ] as const)
    await machine.run(
      [
        'sh',
        '-c',
        `mkdir -p /run/systemd/system; cat > /usr/local/bin/${name}; chmod 755 /usr/local/bin/${name}; [ ${name} != systemd-run ] || ln -sf /usr/local/bin/systemd-run /usr/bin/systemd-run`,
      ],
      text,
    );
  const at = machine.path('/run/systemd');
  const running = new Map<string, Awaited<ReturnType<typeof startUnit>>>();
  let busy = false;
  async function look(): Promise<void> {
    for (const unit of ['arpanet-scheduler', 'arpanet-agent']) {
      const [start, stop] = [join(at, `start.${unit}`), join(at, `stop.${unit}`)];
      if (!existsSync(start) && !existsSync(stop)) continue;
      running.get(unit)?.kill('SIGTERM');
      const mayStart = await machine.run(['sh', '-c', '! [ -e /root/only ] || arpanet --version | grep -qxF -f /root/only']).then(
        () => true,
        () => false,
      );
      if (existsSync(start) && mayStart) running.set(unit, await startUnit(machine, unit, join(logs, `${unit}.log`)));
      await machine.run(['rm', '-f', `/run/systemd/start.${unit}`, `/run/systemd/stop.${unit}`]);
    }
  }
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    look().then(
      () => (busy = false),
      (error: unknown) => console.error(error),
    );
  }, 200);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
