#!/usr/bin/env node
// setup.mjs [start|unit|test|bench|package]: installs what is missing for it. With root on Debian or Ubuntu by apt, told before it is done; else a clear list.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const WANTED = {
  // program, or file, that shows it is there -> package that brings it
  start: { dockerd: 'docker.io', ip: 'iproute2', iptables: 'iptables' },
  unit: {},
  test: {
    dockerd: 'docker.io',
    ip: 'iproute2',
    iptables: 'iptables',
    nft: 'nftables',
    conntrack: 'conntrack',
    haproxy: 'haproxy',
    pebble: 'pebble',
    'acme-tiny': 'acme-tiny',
    wrk: 'wrk',
    busybox: 'busybox-static',
    dig: 'bind9-dnsutils',
    'docker-compose': 'docker-compose',
    tcpdump: 'tcpdump',
    curl: 'curl',
    'docker-registry': 'docker-registry',
    'redis-cli': 'redis-tools',
    'musl-gcc': 'musl-tools',
    'chromium-headless-shell': 'chromium-headless-shell',
    wg: 'wireguard-tools',
    'wireguard-go': 'wireguard-go',
    dnsmasq: 'dnsmasq-base',
    '/usr/lib/ipxe/snponly.efi': 'ipxe',
  },
  bench: { iperf3: 'iperf3', dnsperf: 'dnsperf' },
  // machines of bare metal: their image, and the machines
  package: {
    mmdebstrap: 'mmdebstrap',
    mksquashfs: 'squashfs-tools',
    depmod: 'kmod',
    'qemu-system-x86_64': 'qemu-system-x86',
    '/usr/share/OVMF/OVMF_CODE.fd': 'ovmf',
  },
};

const say = (text) => process.stderr.write(`${text}\n`);
const has = (program) =>
  (program.startsWith('/') && existsSync(program)) ||
  ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/bin', '/usr/local/sbin'].some((dir) => existsSync(join(dir, program)));

/** Rejects with what failed when the command did not end well. */
function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const failed = (why) => reject(new Error(`${command} ${args.join(' ')} failed${why}`));
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
    child.once('error', (error) => failed(`: ${error.message}`));
    child.once('exit', (status, signal) => (status === 0 ? resolve() : failed(` (${signal ?? `exit ${status}`})`)));
  });
}

/** Settles when all is there. What cannot be installed is said, and this process ends with 1. */
export async function setup(purpose) {
  const { packages, all } = beginSetup(purpose);
  await packages;
  await all;
}

/**
 * The same, by steps, which are done side by side, as both wait for the network most of the time. `packages`: npm's are there. `all`: all is.
 * @returns {{ packages: Promise<void>, all: Promise<void> }} neither rejects
 */
export function beginSetup(purpose) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    say(`arpanet needs Node 20.19 or newer; this is ${process.versions.node}.`);
    process.exit(1);
  }
  const wanted = { ...(['bench', 'package'].includes(purpose) && WANTED.test), ...WANTED[purpose] };
  const missing = Object.entries(wanted)
    .filter(([program]) => !has(program))
    .map(([, name]) => name);
  if (missing.length > 0) refuseWithoutApt([...new Set(missing)]);
  const steps = [installNpmPackages(purpose), installDebianPackages([...new Set(missing)]).then(() => unpackTools(purpose))];
  const [packages, debian] = steps.map((step) => orEnd(step, steps));
  return { packages, all: Promise.all([packages, debian]).then(() => {}) };
}

/** Where `step` fails this process ends, when the others are done: they may have begun to install. */
async function orEnd(step, steps) {
  try {
    await step;
  } catch (error) {
    say(`arpanet: ${error.message}`);
    await Promise.allSettled(steps);
    process.exit(1);
  }
}

async function installNpmPackages(purpose) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const installed = join(root, 'node_modules', '.package-lock.json');
  // A cluster needs a third of the bytes. The rest comes with the first test; npm would remove it where it is.
  const isLean = purpose === 'start' && !existsSync(join(root, 'node_modules', 'typescript'));
  const complete =
    existsSync(installed) &&
    Object.entries(packages).every(
      ([name, { optional, dev }]) => name === '' || optional || (isLean && dev) || existsSync(join(root, name)),
    );
  if (!complete) {
    say('arpanet: installing npm packages');
    // Not `npm ci`: it refuses a lock without the packages of other platforms, which some registries do not carry. The versions are the lock's.
    // No scripts of packages: they would compile what is optional, and what is needed comes compiled.
    await run('npm', [
      'install',
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      '--loglevel=error',
      '--ignore-scripts',
      ...(isLean ? ['--omit=dev'] : []),
    ]);
  }
}

function refuseWithoutApt(missing) {
  const isDebian = existsSync('/usr/bin/apt-get');
  if (!isDebian || process.getuid() !== 0) {
    say(`arpanet: missing on this machine: ${missing.join(', ')}`);
    say(
      isDebian
        ? `  run: sudo apt-get update && sudo apt-get install ${missing.join(' ')}`
        : '  install them with your package manager (names are Debian’s), then run this again',
    );
    process.exit(1);
  }
}

async function installDebianPackages(missing) {
  if (missing.length === 0) return;
  say(`arpanet: installing by apt: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env });
  // Services are not started by the install: arpanet starts engines of its own where none runs, and never touches one that does.
  const policy = '/usr/sbin/policy-rc.d';
  const own = !existsSync(policy);
  if (own) await run('sh', ['-c', `printf '#!/bin/sh\\nexit 101\\n' > ${policy} && chmod +x ${policy}`]);
  try {
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env, stdio: ['ignore', 'ignore', 2] });
  } finally {
    if (own) await run('rm', ['-f', policy]);
  }
}

async function unpackTools(purpose) {
  if (purpose === 'start' || purpose === 'unit') return;
  const tools = process.env.ARPANET_TOOLS ?? join(root, '.arpanet', 'tools');
  const all = [
    'consul/.done',
    'prometheus/.done',
    'compose-v2/.done',
    'engine-26/.done',
    'engine-26-containerd/.done',
    'newest-engine-containerd/.done',
  ].every((leaf) => existsSync(join(tools, leaf)));
  if (!all) {
    say('arpanet: unpacking Consul, Prometheus, compose v2, Docker 26.1 and the newest Docker from Debian packages (about 220 MB)');
    await run('bash', [join(root, 'scripts', 'tools.sh'), tools]);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const purpose = process.argv[2] ?? 'test';
  if (!(purpose in WANTED)) {
    say('usage: setup.mjs [start|unit|test|bench|package]');
    process.exit(2);
  }
  await setup(purpose);
}
