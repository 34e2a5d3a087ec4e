/**
 * npm run test:package: a machine without a disk boots by UEFI from `arpanet boot`, joins, takes a container of a running deployment and answers to its name; switched off, its work moves; switched on
 * again, by BIOS, it is the same host. An altered root file system is not started. All of it in the network namespace of a lab's host. Needs root.
 * The machine is emulated, by QEMU: a KVM that has no help of the hardware (kvm_pvm, in virtual machines) starts only kernels made for it.
 * ARPANET_BOOT_IMAGE=DIR: an image of an earlier run.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { BootState } from '../../src/contracts/index.ts';
import type { ImageManifest } from '../../src/boot/image/plan.ts';
import { endProcess, must, runProgram, until } from '../support/cluster/cluster.ts';
import { startLab } from '../support/cluster/lab.ts';
import { spawnMortal } from '../support/cluster/mortal.ts';
import { packageOf } from './bare-machine.ts';

const MAC = '52:54:00:00:17:01';
const [HERE, TLS] = ['10.50.0.1', '10.50.0.1:2378'];
/** An emulated machine on a busy one. */
const LONG_MS = 900_000;
/** For its kernel. It would compile AppArmor's profiles for minutes, and its timer is late where this machine is busy; what goes wrong in it is in what it says. */
const WORDS = 'console=ttyS0 apparmor=0 no_timer_check systemd.journald.forward_to_console=1';

const COMPOSE = `name: abc
services:
  web:
    image: busybox
    command: sh -c 'mkdir /www; hostname > /www/index.html; exec httpd -f -h /www'
    restart: always
  client:
    image: busybox
    command: sleep 100000
`;

describe('a machine without a disk', () => {
  it('boots, joins, works, and is the same host when it is switched on again', { timeout: 3_600_000 }, async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'arpanet-boot-test-'));
    const at = (leaf: string): string => join(scratch, leaf);
    // dnsmasq gives up root, and the folders of temporary files are root's alone
    const data = `/run/arpanet-boot-${process.pid}`;
    const started: ChildProcess[] = [];
    await using lab = await startLab({ count: 1, mixed: false });
    const [h1] = lab.hosts;
    assert.ok(h1 !== undefined);
    const within = (args: readonly string[]) => [`--net=/run/netns/${h1.namespace}`, ...args];
    const start = (log: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess => {
      const out = openSync(at(log), 'a');
      const child = spawnMortal('nsenter', within(args), { stdio: ['ignore', out, out], env: { ...process.env, ...env } }, 'TERM');
      started.push(child);
      return child;
    };
    try {
      mkdirSync(at('program'));
      execFileSync('tar', ['-xzf', packageOf('linux-x64.tar.gz'), '-C', at('program'), '--strip-components=1']);
      const arpanet = join(at('program'), 'bin/arpanet');
      const ask = (...args: readonly string[]) => must(runProgram('nsenter', within([arpanet, ...args])));
      const docker = (...args: readonly string[]) => must(runProgram('nsenter', within(['docker', '-H', 'tcp://127.0.0.1:2375', ...args])));

      const image = process.env['ARPANET_BOOT_IMAGE'] ?? at('image');
      if (!existsSync(join(image, 'image.json')))
        execFileSync(arpanet, ['boot', 'build', '--out', image, '--kernel', 'linux-image-cloud-amd64', '--cmdline', WORDS], {
          stdio: 'inherit',
        });

      // the wire
      execFileSync(
        'nsenter',
        within([
          'sh',
          '-ec',
          `ip link add eth1 type bridge; ip addr add ${HERE}/24 dev eth1; ip link set eth1 up; ip tuntap add tap0 mode tap; ip link set tap0 master eth1 up`,
        ]),
      );
      start('scheduler.log', [
        arpanet,
        'scheduler',
        '--listen',
        'tcp://127.0.0.1:2375',
        '--listen',
        `tls://${TLS}`,
        '--store',
        `embedded:${at('store')}`,
      ]);
      await until('the scheduler leads', () => ask('token'));
      const token = (await ask('token')).trim();
      const agent = [
        'agent',
        '--join',
        `https://${TLS}`,
        '--name',
        'h1',
        '--address',
        HERE,
        '--engine',
        `unix://${h1.socket}`,
        '--data',
        at('agent'),
      ];
      start('agent.log', [arpanet, ...agent], { ARPANET_JOIN_TOKEN: token });
      await until('h1 is alive', async () => /h1 .* alive/.test(await ask('hosts')));
      writeFileSync(at('compose.yml'), COMPOSE);
      await ask('deploy', '-f', at('compose.yml'));

      start('boot.log', [arpanet, 'boot', '--interface', 'eth1', '--image', image, '--data', data]);
      const shown = async () => JSON.parse(await ask('boot', 'ls', '--json')) as BootState;
      await until('the boot server answers', async () => (await shown()).servers.some(({ answers }) => answers));

      const machine = (log: string, ...more: readonly string[]) => {
        const basis = [
          '-accel',
          'tcg,thread=multi',
          '-cpu',
          'max',
          '-m',
          '1024',
          '-display',
          'none',
          '-machine',
          'graphics=off',
          '-monitor',
          'none',
          '-no-reboot',
        ];
        const net = ['-netdev', 'tap,id=n,ifname=tap0,script=no,downscript=no'];
        return start('qemu.log', ['qemu-system-x86_64', ...basis, '-serial', `file:${at(log)}`, ...net, ...more]);
      };
      const card = `virtio-net-pci,netdev=n,mac=${MAC}`;
      const said = (log: string): string => (existsSync(at(log)) ? readFileSync(at(log), 'utf8') : '');

      // another root than the kernel was started for; it is approved for nothing yet
      const { files } = JSON.parse(readFileSync(join(image, 'image.json'), 'utf8')) as ImageManifest;
      const words = `console=ttyS0 no_timer_check arpanet.server=http://${HERE}:8480 arpanet.root=${'0'.repeat(64)} BOOTIF=01-${MAC.replaceAll(':', '-')}`;
      const altered = machine(
        'altered.log',
        '-device',
        card,
        '-kernel',
        join(image, 'vmlinuz'),
        '-initrd',
        join(image, 'initrd.img'),
        '-append',
        words,
      );
      await until(
        'it refuses an altered root',
        () =>
          said('altered.log').includes(`is not the one that this kernel was started for: its SHA-256 is ${files['root.squashfs'].sha256}`),
        LONG_MS,
      );
      await endProcess(altered);

      // by UEFI: its own PXE, iPXE by TFTP, all else by HTTP
      await ask('hosts', 'add', 'm1', '--mac', MAC, '--address', '10.50.0.60');
      copyFileSync('/usr/share/OVMF/OVMF_VARS.fd', at('vars.fd'));
      const flash = (file: string, more = '') => ['-drive', `if=pflash,format=raw${more},file=${file}`];
      const uefi = machine(
        'uefi.log',
        ...flash('/usr/share/OVMF/OVMF_CODE.fd', ',readonly=on'),
        ...flash(at('vars.fd')),
        '-device',
        `${card},romfile=`,
      );
      await until('m1 is alive', async () => /m1 .* alive/.test(await ask('hosts')), LONG_MS);
      const [known] = (await shown()).machines;
      assert.deepEqual(
        [known?.host, known?.state, known?.macs, known?.address, known?.firmware],
        ['m1', 'alive', [MAC], '10.50.0.60', 'efi'],
      );

      // it takes a container of the deployment, which answers to its name
      await ask('hosts', 'update', 'h1', '--availability', 'pause');
      // a slow machine takes the image in a second try: the count stays
      await ask('scale', 'abc/web=2').catch((error: unknown) => assert.match(String(error), /The count stays/));
      const hostOf2 = async () => /^2\.web\.abc .*$/m.exec(await ask('ps'))?.[0] ?? '';
      await until('2.web is on m1', async () => /\bm1\b/.test(await hostOf2()), LONG_MS);
      const answer = () => docker('exec', 'abc-client-1', 'timeout', '10', 'wget', '-q', '-O', '-', 'http://2.web/');
      const before = await until('it answers to its name', answer, LONG_MS);

      // switched off
      await ask('hosts', 'activate', 'h1');
      uefi.kill('SIGKILL');
      await until('its work has moved', async () => /\bh1\b/.test(await hostOf2()), LONG_MS);
      const after = await until('it answers to its name there', answer, LONG_MS);
      assert.notEqual(after, '');
      assert.ok(before.length > 0);
      await endProcess(uefi);

      // switched on again: iPXE in the card, by BIOS
      const bios = machine('bios.log', '-device', card, '-boot', 'n');
      await until('m1 is alive again', async () => /m1 .* alive/.test(await ask('hosts')), LONG_MS);
      assert.equal((await shown()).machines[0]?.firmware, 'pcbios');
      await endProcess(bios);
    } catch (error) {
      for (const log of ['boot.log', 'scheduler.log', 'agent.log', 'qemu.log', 'uefi.log', 'bios.log', 'altered.log'])
        if (existsSync(at(log))) console.error(`--- ${log}\n${readFileSync(at(log), 'utf8').slice(-3_000)}`);
      throw error;
    } finally {
      for (const child of started.reverse()) await endProcess(child);
      for (const dir of [scratch, data]) rmSync(dir, { recursive: true, force: true });
    }
  });
});
