/** dnsmasq as a child process, which ends with this one however that ends. Effects: files in its folder, processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BootLease } from '../contracts/index.ts';
import { ArpanetError, type MachineRecord } from '../model/index.ts';
import { guarded } from '../telemetry/faults.ts';
import type { Logger } from '../telemetry/log.ts';
import { dnsmasqHosts, dnsmasqSettings, FILES, LOADERS, type Wire } from './dnsmasq.ts';
import { readLeases, writeLeases } from './leases.ts';

/** A line at its input: read the hosts again. The end of the input, as when this process ends: end. */
const GUARD = `exec 3<&0
dnsmasq --keep-in-foreground --conf-file="$1" --pid-file </dev/null 3<&- &
server=$!
{ while read -r word <&3; do kill -HUP "$server"; done; kill "$server"; } 2>/dev/null &
wait "$server"`;
/** Debian's package ipxe. */
const IPXE = '/usr/lib/ipxe';

export interface Dnsmasq {
  /** Starts it, unless it runs. `leases`: whom it must give no other address. */
  readonly start: (leases: readonly BootLease[]) => void;
  readonly stop: () => Promise<void>;
  readonly isRunning: () => boolean;
  /** Why it ended by itself since this was asked last; undefined: it did not. */
  readonly fault: () => string | undefined;
  /** Its list of hosts, if it is another than before. */
  readonly tell: (machines: readonly MachineRecord[], ignored: readonly string[]) => void;
  readonly leases: () => readonly BootLease[];
}

/** Makes its folder. Throws `unsupported` with the packages that are missing here. `env`: of this process. */
export function createDnsmasq(
  { wire, dir, url, env }: { readonly wire: Wire; readonly dir: string; readonly url: string; readonly env: NodeJS.ProcessEnv },
  onLine: (line: string) => void,
  log: Logger,
): Dnsmasq {
  const path = `${env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const missing = [
    ...(path.split(':').some((one) => one !== '' && existsSync(join(one, 'dnsmasq'))) ? [] : ['dnsmasq-base']),
    ...(Object.values(LOADERS).every((leaf) => existsSync(join(IPXE, leaf))) ? [] : ['ipxe']),
  ];
  if (missing.length > 0)
    throw new ArpanetError('unsupported', `missing here: ${missing.join(', ')}. Debian and Ubuntu: apt-get install ${missing.join(' ')}`);
  const at = (leaf: string): string => join(dir, leaf);
  // it runs as another user than root, which has to read these
  for (const folder of [dir, at(FILES.tftp)]) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
  }
  for (const leaf of Object.values(LOADERS)) {
    copyFileSync(join(IPXE, leaf), join(at(FILES.tftp), leaf));
    chmodSync(join(at(FILES.tftp), leaf), 0o644);
  }
  const write = (leaf: string, text: string): void => {
    writeFileSync(at(leaf), text);
    chmodSync(at(leaf), 0o644);
  };
  write(FILES.settings, dnsmasqSettings(wire, dir, url));
  let child: ChildProcess | undefined;
  let fault: string | undefined;
  let hosts = '';
  let lastLine = '';

  return {
    start(leases) {
      if (child !== undefined) return;
      write(FILES.leases, writeLeases(leases));
      const started = spawn('sh', ['-c', GUARD, 'arpanet-boot', at(FILES.settings)], {
        stdio: ['pipe', 'ignore', 'pipe'],
        env: { ...env, PATH: path },
      });
      child = started;
      started.stdin.on('error', (err) => log.debug({ err }, 'dnsmasq reads no more'));
      createInterface({ input: started.stderr }).on(
        'line',
        guarded(log, 'a line of dnsmasq', (line: string) => {
          lastLine = line;
          onLine(line);
        }),
      );
      started.once('exit', (code) => {
        started.stdin.destroy();
        if (child !== started) return;
        child = undefined;
        fault = `dnsmasq ended (${code}): ${lastLine}`;
        log.error({ code, line: lastLine }, 'dnsmasq ended');
      });
    },
    async stop() {
      const running = child;
      child = undefined;
      if (running === undefined) return;
      running.stdin?.end();
      if (running.exitCode === null && running.signalCode === null) await once(running, 'exit');
    },
    isRunning: () => child !== undefined,
    fault() {
      const said = fault;
      fault = undefined;
      return said;
    },
    tell(machines, ignored) {
      const text = dnsmasqHosts(machines, wire, ignored);
      if (text === hosts) return;
      hosts = text;
      write(FILES.hosts, text);
      child?.stdin?.write('again\n');
    },
    leases() {
      try {
        return readLeases(readFileSync(at(FILES.leases), 'utf8'));
      } catch {
        return [];
      }
    },
  };
}
