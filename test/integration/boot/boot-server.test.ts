/** `arpanet boot` as machines see it: DHCP, TFTP and HTTP of the real dnsmasq on a wire of this test's own, in network namespaces. The leader is a fake at a Unix socket. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { BootServerReport } from '../../../src/contracts/index.ts';
import { PROBE_MAC } from '../../../src/boot/dnsmasq.ts';
import { endProcess, until } from '../../support/cluster/cluster.ts';
import { compiled } from '../../support/cluster/compiled.ts';
import { spawnMortal } from '../../support/cluster/mortal.ts';

const run = promisify(execFile);
const [SERVER, MACHINE] = ['server', 'machine'].map((name) => `arpb${process.pid}-${name}`) as [string, string];
const MAC = '52:54:00:00:17:01';
const URL = 'http://10.50.0.1:8480';
const [BIOS, UEFI, IPXE] = ['0x5d:0000', '0x5d:0007', '0xaf:01'];

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
};

describe('a boot server', { timeout: 120_000 }, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'arpanet-boot-test-'));
  const at = (leaf: string): string => join(scratch, leaf);
  // dnsmasq gives up root, and the folders of temporary files are root's alone
  const data = `/run/arpanet-boot-${process.pid}`;
  let leader: Server;
  let boot: ChildProcess;
  let other: ChildProcess;
  let answers = true;
  let last: BootServerReport | undefined;
  const machines = [{ host: 'db-3', macs: [MAC], address: '10.50.0.60', atMs: 1 }];
  const within = (space: string, args: readonly string[]): [string, readonly string[]] => [
    'nsenter',
    [`--net=/run/netns/${space}`, ...args],
  ];
  const inMachine = async (...args: readonly string[]) => (await run(...(within(MACHINE, args) as [string, string[]]))).stdout;
  const warnings = (): string => last?.warnings.join('\n') ?? '';

  /** What the server gives to a card that shows these options of DHCP; undefined: nothing. */
  const lease = async (...options: readonly string[]) => {
    const shown = options.flatMap((option) => ['-x', option]);
    const said = await inMachine(
      'busybox',
      'udhcpc',
      '-i',
      'eth0',
      '-f',
      '-q',
      '-n',
      '-t',
      '3',
      '-T',
      '1',
      '-s',
      at('show'),
      ...shown,
    ).catch(() => '');
    const [, address, file, router] = /^GOT (\S+) (\S*) (\S*)$/m.exec(said) ?? [];
    return address === undefined ? undefined : { address, file, router };
  };
  const fetched = async (path: string) => await inMachine('curl', '-sS', '-g', `${URL}${path}`);

  before(async () => {
    execFileSync('sh', [
      '-ec',
      `ip netns add ${SERVER}; ip netns add ${MACHINE}
       ip -n ${SERVER} link add eth1 type veth peer name eth0 netns ${MACHINE}
       ip -n ${MACHINE} link set eth0 address ${MAC}
       ip -n ${SERVER} addr add 10.50.0.1/24 dev eth1
       for n in ${SERVER} ${MACHINE}; do ip -n $n link set lo up; done
       ip -n ${SERVER} link set eth1 up; ip -n ${MACHINE} link set eth0 up; ip -n ${MACHINE} addr add 10.50.0.9/24 dev eth0`,
    ]);
    writeFileSync(at('show'), '#!/bin/sh\n[ "$1" != bound ] || echo "GOT $ip $boot_file $router"\n', { mode: 0o755 });
    mkdirSync(at('image'));
    const files = Object.fromEntries(
      ['vmlinuz', 'initrd.img', 'root.squashfs'].map((name) => {
        writeFileSync(join(at('image'), name), `the bytes of ${name}`);
        return [name, { sha256: createHash('sha256').update(`the bytes of ${name}`).digest('hex'), bytes: 13 + name.length }];
      }),
    );
    writeFileSync(
      join(at('image'), 'image.json'),
      JSON.stringify({ version: '1.0.0', kernel: '6.1.0', madeMs: 1, words: ['quiet'], files }),
    );
    leader = createServer((request, response) => {
      void json(request).then((body) => {
        if (request.url === '/arpanet/v1/boot/servers') last = body as BootServerReport;
        const orders = {
          answers,
          leases: [{ mac: '52:54:00:00:17:99', address: '10.50.0.200', name: '', untilMs: Date.now() + 600_000 }],
          machines,
        };
        response.end(
          JSON.stringify(
            request.url === '/arpanet/v1/boot/pass' ? { host: 'db-3', token: 'a-token', join: ['https://10.50.0.1:2378'] } : orders,
          ),
        );
      });
    });
    leader.listen(at('leader.sock'));
    await once(leader, 'listening');
    // it answers the question of a boot server alone
    const narrow = [
      '--dhcp-range=10.50.0.20,10.50.0.30',
      '--dhcp-ignore=tag:!known',
      `--dhcp-host=${PROBE_MAC},10.50.0.21`,
      `--dhcp-leasefile=${at('other')}`,
    ];
    other = spawnMortal(
      ...within(MACHINE, [
        'dnsmasq',
        '-k',
        '-C',
        '/dev/null',
        '--port=0',
        '--interface=eth0',
        '--bind-interfaces',
        '--pid-file',
        ...narrow,
      ]),
      {
        stdio: 'ignore',
      },
    );
    const cli = compiled('src/cli/main.ts');
    const words = [
      'boot',
      '--interface',
      'eth1',
      '--image',
      at('image'),
      '--data',
      data,
      '--gateway',
      '10.50.0.254',
      '--endpoint',
      `unix://${at('leader.sock')}`,
    ];
    boot = spawnMortal(...within(SERVER, [process.execPath, cli, ...words]), { stdio: ['ignore', 'inherit', 'ignore'] });
    await until('the boot server answers', () => last?.answers === true);
  });
  after(async () => {
    for (const one of [boot, other]) await endProcess(one);
    leader.close();
    leader.closeAllConnections();
    execFileSync('sh', ['-c', `ip netns del ${SERVER}; ip netns del ${MACHINE}`]);
    for (const dir of [scratch, data]) rmSync(dir, { recursive: true, force: true });
  });

  it('gives each kind of firmware its iPXE, iPXE its script, and an approved machine the address that it was approved with', async () => {
    const wanted = [
      [BIOS, 'undionly.kpxe'],
      [UEFI, 'snponly.efi'],
      [IPXE, `${URL}/boot.ipxe`],
    ] as const;
    for (const [option, file] of wanted) assert.deepEqual(await lease(option), { address: '10.50.0.60', file, router: '10.50.0.254' });
    assert.equal((await lease(BIOS, IPXE))?.file, `${URL}/boot.ipxe`, 'iPXE in the ROM of a card with BIOS');
    for (const leaf of ['undionly.kpxe', 'snponly.efi']) {
      await inMachine('busybox', 'tftp', '-g', '-r', leaf, '-l', at(leaf), '10.50.0.1');
      assert.ok(readFileSync(at(leaf)).equals(readFileSync(join('/usr/lib/ipxe', leaf))), leaf);
    }
  });

  it('lets an approved machine boot and join, tells another what to do, and gives a token to no address that is not that machine’s', async () => {
    assert.match(await fetched('/boot.ipxe'), /^#!ipxe\nchain --replace http:\/\/10\.50\.0\.1:8480\/machine\.ipxe\?mac=/);
    assert.match(
      await fetched(`/machine.ipxe?mac=${MAC}&serial=&product=QEMU&firmware=efi`),
      /this machine is host db-3[\s\S]*arpanet\.root=[0-9a-f]{64} .* quiet/,
    );
    assert.match(
      await fetched('/machine.ipxe?mac=52:54:00:00:17:02'),
      /no host is approved for this machine[\s\S]*arpanet hosts add NAME --mac 52:54:00:00:17:02/,
    );
    assert.equal(await fetched('/image/vmlinuz'), 'the bytes of vmlinuz');
    await until('the leader knows of both', () => last?.seen.length === 2);
    const join1 = (...more: readonly string[]) => inMachine('curl', '-sS', '-X', 'POST', ...more, `${URL}/join?mac=${MAC}&serial=`);
    assert.match(await join1(), /10\.50\.0\.9 is not the address that this server gave to 52:54:00:00:17:01/);
    await inMachine('ip', 'addr', 'add', '10.50.0.60/24', 'dev', 'eth0');
    assert.equal(await join1('--interface', '10.50.0.60'), 'host=db-3\ntoken=a-token\njoin=https://10.50.0.1:2378\n');
    for (const path of ['/', '/image/../image.json', '/image/image.json', '/machine.ipxe', '/machine.ipxe?mac=%zz'])
      assert.match(await fetched(path), /"message"|no host|wants/, path);
  });

  it('tells of another DHCP server on the wire', async () => {
    await until('it is known', () => /another DHCP server answers at eth1 \(10\.50\.0\.9\)/.test(warnings()));
  });

  it('keeps the leases of the servers before it, and does not answer when another does, or when its leader is away', async () => {
    assert.match(readFileSync(join(data, 'leases'), 'utf8'), /52:54:00:00:17:99 10\.50\.0\.200/);
    answers = false;
    await until('it stands by', () => last?.answers === false);
    assert.equal(await lease(UEFI), undefined);
    answers = true;
    await until('it answers again', () => last?.answers === true);
    assert.equal((await lease(UEFI))?.address, '10.50.0.60');
  });

  it('refuses an image that is altered, and answers nobody until it is made again', async () => {
    const kernel = join(at('image'), 'vmlinuz');
    appendFileSync(kernel, 'x');
    assert.match(await fetched('/image/vmlinuz'), /is altered: vmlinuz is not what image\.json says.*arpanet boot build/);
    assert.match(await fetched(`/machine.ipxe?mac=${MAC}`), /is altered: vmlinuz[\s\S]*exit 1/);
    await until('the leader knows why', () => /altered: vmlinuz/.test(last?.trouble ?? ''));
    await until('it has stopped', () => last?.answers === false);
    writeFileSync(kernel, 'the bytes of vmlinuz');
    await until('it answers again', () => last?.answers === true && last.trouble === undefined);
  });

  it('leaves no DHCP server behind when it is killed', async () => {
    const running = () =>
      readdirSync('/proc').filter(
        (leaf) => /^\d+$/.test(leaf) && commandOf(leaf).startsWith(`dnsmasq\0--keep-in-foreground\0--conf-file=${data}`),
      );
    assert.equal(running().length, 1);
    boot.kill('SIGKILL');
    await until('dnsmasq has ended, too', () => running().length === 0);
    assert.ok(existsSync(join(data, 'leases')));
  });
});
