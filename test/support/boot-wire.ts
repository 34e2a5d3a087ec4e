/**
 * A provisioning network: boot servers and a machine, each in a network namespace, on one wire; an image that is none. Effects: namespaces, folders, processes.
 */
import { type ChildProcess, execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endProcess } from './cluster/cluster.ts';
import { compiled } from './cluster/compiled.ts';
import { spawnMortal } from './cluster/mortal.ts';
import { repository } from './cluster/paths.ts';

const run = promisify(execFile);

export interface Lease {
  readonly address: string;
  /** What it is to boot. */
  readonly file: string;
  readonly router: string;
  /** Who gave it. */
  readonly server: string;
}

export interface BootWire extends AsyncDisposable {
  /** For files of the test. */
  readonly at: (leaf: string) => string;
  /** What a boot server in `servers[i]` has as `--data`. */
  readonly data: (i: number) => string;
  readonly inMachine: (...args: readonly string[]) => Promise<string>;
  /** Starts a program in the machine, which ends with the wire. */
  readonly startInMachine: (args: readonly string[]) => ChildProcess;
  /** Starts `arpanet boot` at 10.50.0.1, 10.50.0.2, …, with a leader at this socket, and with what its unit leaves it of root's capabilities. */
  readonly startServer: (i: number, leader: string) => ChildProcess;
  /** What the machine gets that shows these options of DHCP; undefined: nothing. */
  readonly lease: (...options: readonly string[]) => Promise<Lease | undefined>;
}

/** The card of the machine. */
export const MAC = '52:54:00:00:17:01';

function capabilities(): string {
  const unit = readFileSync(join(repository, 'scripts/packaging/systemd/arpanet-boot.service'), 'utf8');
  const names = /^CapabilityBoundingSet=(.+)$/m.exec(unit)?.[1] ?? '';
  return ['-all', ...names.split(' ').map((name) => `+${name.replace('CAP_', '').toLowerCase()}`)].join(',');
}

function writeImage(dir: string): void {
  mkdirSync(dir);
  const files = Object.fromEntries(
    ['vmlinuz', 'initrd.img', 'root.squashfs'].map((name) => {
      writeFileSync(join(dir, name), `the bytes of ${name}`);
      return [name, { sha256: createHash('sha256').update(`the bytes of ${name}`).digest('hex'), bytes: 13 + name.length }];
    }),
  );
  writeFileSync(join(dir, 'image.json'), JSON.stringify({ version: '1.0.0', kernel: '6.1.0', madeMs: 1, words: ['quiet'], files }));
}

/** With so many boot servers, none of which is started. */
export function bootWire(servers: number): BootWire {
  const scratch = mkdtempSync(join(tmpdir(), 'arpanet-boot-test-'));
  const at = (leaf: string): string => join(scratch, leaf);
  const machine = `arpb${process.pid}-machine`;
  const spaces = Array.from({ length: servers }, (_, i) => `arpb${process.pid}-${i}`);
  // dnsmasq gives up root, and the folders of temporary files are root's alone
  const data = (i: number): string => `/run/arpanet-boot-${process.pid}-${i}`;
  const within = (space: string, args: readonly string[]) => [`--net=/run/netns/${space}`, ...args];
  const started: ChildProcess[] = [];
  execFileSync('sh', [
    '-ec',
    `ip netns add ${machine}; ip -n ${machine} link set lo up
     ip -n ${machine} link add eth0 address ${MAC} type bridge; ip -n ${machine} addr add 10.50.0.9/24 dev eth0; ip -n ${machine} link set eth0 up
     ${spaces
       .map(
         (space, i) => `ip netns add ${space}; ip -n ${space} link set lo up
     ip -n ${space} link add eth1 type veth peer name port${i} netns ${machine}; ip -n ${machine} link set port${i} master eth0 up
     ip -n ${space} addr add 10.50.0.${i + 1}/24 dev eth1; ip -n ${space} link set eth1 up`,
       )
       .join('\n')}`,
  ]);
  writeFileSync(at('show'), '#!/bin/sh\n[ "$1" != bound ] || echo "GOT $ip $boot_file $serverid $router"\n', { mode: 0o755 });
  writeImage(at('image'));
  const inMachine = async (...args: readonly string[]) => (await run('nsenter', within(machine, args))).stdout;
  const start = (space: string, args: readonly string[]): ChildProcess => {
    const child = spawnMortal('nsenter', within(space, args), { stdio: ['ignore', 'inherit', 'ignore'] });
    started.push(child);
    return child;
  };
  return {
    at,
    data,
    inMachine,
    startInMachine: (args) => start(machine, args),
    startServer(i, leader) {
      const narrow = ['setpriv', `--bounding-set=${capabilities()}`, '--inh-caps=-all', '--no-new-privs'];
      const cluster = ['--endpoint', `unix://${leader}`, '--gateway', '10.50.0.254'];
      const words = ['boot', '--interface', 'eth1', '--image', at('image'), '--data', data(i), ...cluster];
      return start(spaces[i] ?? '', [...narrow, process.execPath, compiled('src/cli/main.ts'), ...words]);
    },
    async lease(...options) {
      const shown = options.flatMap((option) => ['-x', option]);
      const how = ['-i', 'eth0', '-f', '-q', '-n', '-t', '3', '-T', '1', '-s', at('show')];
      const said = await inMachine('busybox', 'udhcpc', ...how, ...shown).catch(() => '');
      const [, address, file, server, router] = /^GOT (\S+) (\S*) (\S*) (\S*)$/m.exec(said) ?? [];
      return address === undefined || file === undefined || server === undefined || router === undefined
        ? undefined
        : { address, file, server, router };
    },
    async [Symbol.asyncDispose]() {
      for (const one of started) await endProcess(one);
      execFileSync('sh', ['-ec', [machine, ...spaces].map((space) => `ip netns del ${space}`).join(';')]);
      for (const dir of [scratch, ...spaces.map((_, i) => data(i))]) rmSync(dir, { recursive: true, force: true });
    },
  };
}
