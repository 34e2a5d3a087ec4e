/**
 * A Debian machine with nothing but what mmdebstrap makes, programs of a host, and the Engine of a lab's host: a root of its own, in that
 * host's network namespace. Effects: mounts in a mount namespace that ends with the machine, a folder, processes.
 */
import { execFileSync, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalHosts } from '../../src/local-hosts/index.ts';
import { endProcess, must, runProgram, until } from '../support/cluster/cluster.ts';
import { spawnMortal } from '../support/cluster/mortal.ts';
import { toolsDir } from '../support/cluster/paths.ts';

export interface BareMachine extends AsyncDisposable {
  /** Runs a program of the machine; throws with its output unless it ends with 0. */
  run(args: readonly string[], input?: string): Promise<string>;
  /** Starts one, which ends with the machine at the latest. `user`: `NAME:GROUP`. */
  start(args: readonly string[], logFile: string, user?: string): ChildProcess;
  /** Copies a file of this machine into its root folder: `/NAME`. */
  bring(file: string, name: string): void;
  /** Where a file of it is, as seen from here; one that its root had before is not. */
  path(file: string): string;
}

const RELEASE = 'bookworm';
/** What a host has anyway; arpanet's package asks for all but curl and the docker command. */
const PROGRAMS = 'adduser,ca-certificates,curl,docker.io,iproute2,iptables';
/** The environment of a program there. */
export const CLEAN = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8' };

/** A root as mmdebstrap makes it with these packages, by the mirror that this machine's apt uses. Made once and kept. */
export function debianRoot(programs = PROGRAMS): string {
  const kept = programs === PROGRAMS ? `debian-${RELEASE}-root` : `debian-${RELEASE}-root-${programs.replaceAll(',', '-')}`;
  const root = join(toolsDir, kept);
  if (existsSync(root)) return root;
  const sources = readFileSync('/etc/apt/sources.list.d/debian.sources', 'utf8');
  const mirror = /^URIs: *(http\S*\/debian)\/?\s*$/m.exec(sources)?.[1];
  if (mirror === undefined) throw new Error('no Debian mirror in /etc/apt/sources.list.d/debian.sources');
  rmSync(`${root}.partial`, { recursive: true, force: true });
  mkdirSync(toolsDir, { recursive: true });
  const how = ['--mode=root', '--variant=minbase', '--quiet', '--dpkgopt=force-unsafe-io', `--include=${programs}`];
  // what it mounts in the root ends with it
  execFileSync('unshare', ['--mount', 'mmdebstrap', ...how, RELEASE, `${root}.partial`, mirror], { stdio: ['ignore', 'ignore', 'pipe'] });
  renameSync(`${root}.partial`, root);
  return root;
}

/** A root of its own that begins with `lower`, which it does not change, on this machine's own network. What is put below `upper` before is in it. */
export async function mountedRoot(
  lower: string,
  fill: (upper: string) => void,
): Promise<Disposable & { readonly within: (command: string) => readonly string[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-root-'));
  for (const leaf of ['upper', 'work', 'root']) mkdirSync(join(dir, leaf));
  fill(join(dir, 'upper'));
  const script = `set -e
    mount --make-rprivate /
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$0/upper,workdir=$0/work" "$0/root"
    mount --rbind /proc "$0/root/proc"; mount --rbind /sys "$0/root/sys"; mount --rbind /dev "$0/root/dev"
    mount -t tmpfs tmpfs "$0/root/run"; mkdir "$0/root/run/netns"; mount -t tmpfs tmpfs "$0/root/tmp"
    touch "$0/mounted"; exec sleep infinity`;
  const holder = spawnMortal('unshare', ['--mount', 'sh', '-c', script, dir, lower], { stdio: 'ignore' });
  await until('the root is mounted', () => existsSync(join(dir, 'mounted')));
  return {
    within: (command) => [`--mount=/proc/${holder.pid}/ns/mnt`, 'chroot', join(dir, 'root'), 'sh', '-c', command],
    [Symbol.dispose]() {
      holder.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The machine, until it is disposed of. `lower`: the root that it begins with, which it does not change. */
export async function bareMachine(host: LocalHosts['hosts'][number], lower: string): Promise<BareMachine> {
  const dir = mkdtempSync(join(tmpdir(), `arpanet-bare-${host.name}-`));
  for (const leaf of ['upper', 'work', 'root']) mkdirSync(join(dir, leaf));
  mkdirSync(join(dir, 'upper', 'run'));
  writeFileSync(join(dir, 'upper', 'run', 'docker.sock'), '');
  const script = `set -e
    mount --make-rprivate /
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$0/upper,workdir=$0/work" "$0/root"
    mount --rbind /proc "$0/root/proc"; mount --rbind /sys "$0/root/sys"; mount --rbind /dev "$0/root/dev"
    mount --bind "$2" "$0/root/run/docker.sock"
    touch "$0/mounted"; exec sleep infinity`;
  const inNamespace = [`--net=/run/netns/${host.namespace}`];
  const holder = spawnMortal('nsenter', [...inNamespace, 'unshare', '--mount', 'sh', '-c', script, dir, lower, host.socket], {
    stdio: 'ignore',
  });
  await until(`the root of ${host.name} is mounted`, () => existsSync(join(dir, 'mounted')));
  const within = (args: readonly string[], user?: string) => [
    `--mount=/proc/${holder.pid}/ns/mnt`,
    ...inNamespace,
    'chroot',
    ...(user === undefined ? [] : [`--userspec=${user}`]),
    join(dir, 'root'),
    ...args,
  ];
  const started: ChildProcess[] = [];
  return {
    run: (args, input) => must(runProgram('nsenter', within(args), { env: CLEAN, ...(input === undefined ? {} : { input }) })),
    start(args, logFile, user) {
      const out = openSync(logFile, 'a');
      const child = spawnMortal('nsenter', within(args, user), { env: CLEAN, stdio: ['ignore', out, out] }, 'TERM');
      closeSync(out);
      started.push(child);
      return child;
    },
    bring: (file, name) => cpSync(file, join(dir, 'upper', name)),
    path: (file) => join(dir, 'upper', file),
    async [Symbol.asyncDispose]() {
      for (const child of started.reverse()) await endProcess(child);
      holder.kill('SIGKILL');
      await new Promise<void>((resolve) => {
        if (holder.exitCode !== null || holder.signalCode !== null) resolve();
        else holder.once('exit', () => resolve());
      });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** All files of a machine, without what packages of any kind change: dpkg's own records, caches, logs, and the copies of the lists of users. */
export async function filesOf(machine: BareMachine): Promise<readonly string[]> {
  const all = await machine.run(['find', '/', '-xdev', '!', '-path', '/proc/*', '!', '-path', '/sys/*', '!', '-path', '/dev/*']);
  const others =
    /^\/(var\/(lib\/dpkg|cache|log|lib\/apt)|arpanet[._-]|tmp|run|root)|^\/etc\/(passwd|group|shadow|gshadow)-$|^\/etc\/\.pwd\.lock$/;
  return all
    .trim()
    .split('\n')
    .filter((path) => !others.test(path))
    .toSorted();
}

/** What a host may leave behind, and must not: files, users, links, routes, rules. */
export async function traceOf(machine: BareMachine) {
  const text = (command: string) => machine.run(['sh', '-c', command]);
  const kernel =
    "ip -o link | grep -v veth | cut -d: -f2; ip -4 route; ip -6 -o addr show dev lo; for t in filter nat mangle raw; do for p in iptables ip6tables; do $p -t $t -S | grep -v '^#'; done; done; ebtables -L; ebtables -t nat -L";
  return {
    files: await filesOf(machine),
    users: await text('cat /etc/passwd /etc/group'),
    kernel: await text(`(${kernel}) 2>/dev/null; true`),
  };
}

/** How the unit starts its process, and as whom. */
async function unitOf(machine: BareMachine, name: string) {
  const text = await machine.run([
    'sh',
    '-c',
    `cat /etc/systemd/system/${name}.service 2>/dev/null || cat /lib/systemd/system/${name}.service`,
  ]);
  const valueOf = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1];
  return { args: (valueOf('ExecStart') ?? '').split(' '), user: valueOf('User'), state: valueOf('StateDirectory') ?? '' };
}

/** Starts it as systemd would: with the folder for its state, and as its user. */
export async function startUnit(machine: BareMachine, name: string, logFile: string) {
  const { args, user, state } = await unitOf(machine, name);
  await machine.run(['mkdir', '-p', `/var/lib/${state}`]);
  if (user !== undefined) await machine.run(['chown', `${user}:${user}`, `/var/lib/${state}`]);
  return machine.start(args, logFile, user === undefined ? undefined : `${user}:${user}`);
}

/** One of the packages under test, by how its name ends. */
export function packageOf(end: string): string {
  const made = process.env['ARPANET_PACKAGES'];
  if (made === undefined) throw new Error('"npm run test:package" makes the packages and runs this');
  return join(made, readdirSync(made).find((leaf) => leaf.endsWith(end)) ?? '');
}
