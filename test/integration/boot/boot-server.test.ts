/** `arpanet boot` as machines see it: DHCP, TFTP and HTTP of the real dnsmasq on a wire of this test's own, in network namespaces. The leader is a fake at a Unix socket. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { BootOrders, BootServerReport } from '../../../src/contracts/index.ts';
import { PROBE_MAC } from '../../../src/boot/dnsmasq.ts';
import { createBootServers } from '../../../src/boot/servers.ts';
import { type BootWire, bootWire, MAC } from '../../support/boot-wire.ts';
import { until } from '../../support/cluster/cluster.ts';

const URL = 'http://10.50.0.1:8480';
const [BIOS, UEFI, IPXE] = ['0x5d:0000', '0x5d:0007', '0xaf:01'];

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
};

/** Listens at this socket; each report of a boot server is answered with these orders. */
async function leaderAt(socket: string, orders: (report: BootServerReport) => BootOrders): Promise<Server> {
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const isReport = request.url === '/arpanet/v1/boot/servers';
      const pass = { host: 'db-3', token: 'a-token', join: ['https://10.50.0.1:2378'] };
      response.end(JSON.stringify(isReport ? orders(body as BootServerReport) : pass));
    });
  });
  server.listen(socket);
  await once(server, 'listening');
  return server;
}

function endLeader(server: Server): void {
  server.close();
  server.closeAllConnections();
}

describe('a boot server', { timeout: 120_000 }, () => {
  let wire: BootWire;
  let leader: Server;
  let boot: ChildProcess;
  let answers = true;
  let last: BootServerReport | undefined;
  const machines = [{ host: 'db-3', macs: [MAC], address: '10.50.0.60', atMs: 1 }];
  const warnings = (): string => last?.warnings.join('\n') ?? '';
  const fetched = async (path: string) => await wire.inMachine('curl', '-sS', '-g', `${URL}${path}`);

  before(async () => {
    wire = bootWire(1);
    leader = await leaderAt(wire.at('leader.sock'), (report) => {
      last = report;
      const leases = [{ mac: '52:54:00:00:17:99', address: '10.50.0.200', name: '', untilMs: Date.now() + 600_000 }];
      return { answers, leases, machines };
    });
    // it answers the question of a boot server alone
    const narrow = [
      '--dhcp-range=10.50.0.20,10.50.0.30',
      '--dhcp-ignore=tag:!known',
      `--dhcp-host=${PROBE_MAC},10.50.0.21`,
      `--dhcp-leasefile=${wire.at('other')}`,
    ];
    wire.startInMachine(['dnsmasq', '-k', '-C', '/dev/null', '--port=0', '--interface=eth0', '--bind-interfaces', '--pid-file', ...narrow]);
    boot = wire.startServer(0, wire.at('leader.sock'));
    await until('the boot server answers', () => last?.answers === true);
  });
  after(async () => {
    endLeader(leader);
    await wire[Symbol.asyncDispose]();
  });

  it('gives each kind of firmware its iPXE, iPXE its script, and an approved machine the address that it was approved with', async () => {
    const wanted = [
      [BIOS, 'undionly.kpxe'],
      [UEFI, 'snponly.efi'],
      [IPXE, `${URL}/boot.ipxe`],
    ] as const;
    for (const [option, file] of wanted)
      assert.deepEqual(await wire.lease(option), { address: '10.50.0.60', file, server: '10.50.0.1', router: '10.50.0.254' });
    assert.equal((await wire.lease(BIOS, IPXE))?.file, `${URL}/boot.ipxe`, 'iPXE in the ROM of a card with BIOS');
    for (const leaf of ['undionly.kpxe', 'snponly.efi']) {
      await wire.inMachine('busybox', 'tftp', '-g', '-r', leaf, '-l', wire.at(leaf), '10.50.0.1');
      assert.ok(readFileSync(wire.at(leaf)).equals(readFileSync(join('/usr/lib/ipxe', leaf))), leaf);
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
    const join1 = (...more: readonly string[]) => wire.inMachine('curl', '-sS', '-X', 'POST', ...more, `${URL}/join?mac=${MAC}&serial=`);
    assert.match(await join1(), /10\.50\.0\.9 is not the address that this server gave to 52:54:00:00:17:01/);
    await wire.inMachine('ip', 'addr', 'add', '10.50.0.60/24', 'dev', 'eth0');
    assert.equal(await join1('--interface', '10.50.0.60'), 'host=db-3\ntoken=a-token\njoin=https://10.50.0.1:2378\n');
    for (const path of ['/', '/image/../image.json', '/image/image.json', '/machine.ipxe', '/machine.ipxe?mac=%zz'])
      assert.match(await fetched(path), /"message"|no host|wants/, path);
  });

  it('tells of another DHCP server on the wire', async () => {
    await until('it is known', () => /another DHCP server answers at eth1 \(10\.50\.0\.9\)/.test(warnings()));
  });

  it('keeps the leases of the servers before it, and does not answer when another does, or when its leader is away', async () => {
    assert.match(readFileSync(join(wire.data(0), 'leases'), 'utf8'), /52:54:00:00:17:99 10\.50\.0\.200/);
    answers = false;
    await until('it stands by', () => last?.answers === false);
    assert.equal(await wire.lease(UEFI), undefined);
    answers = true;
    await until('it answers again', () => last?.answers === true);
    assert.equal((await wire.lease(UEFI))?.address, '10.50.0.60');
  });

  it('refuses an image that is altered, and answers nobody until it is made again', async () => {
    const kernel = join(wire.at('image'), 'vmlinuz');
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
        (leaf) => /^\d+$/.test(leaf) && commandOf(leaf).startsWith(`dnsmasq\0--keep-in-foreground\0--conf-file=${wire.data(0)}/`),
      );
    assert.equal(running().length, 1);
    boot.kill('SIGKILL');
    await until('dnsmasq has ended, too', () => running().length === 0);
    assert.ok(existsSync(join(wire.data(0), 'leases')));
  });
});

describe('two boot servers of one network', { timeout: 120_000 }, () => {
  it('answer one at a time: a machine gets the same address of the other when the first is killed, or reaches no leader', async () => {
    await using wire = bootWire(2);
    const decided = createBootServers(0);
    const reports = new Map<string, BootServerReport>();
    const leaders: Server[] = [];
    for (const i of [0, 1])
      leaders.push(
        await leaderAt(wire.at(`leader-${i}.sock`), (report) => {
          reports.set(report.address, report);
          return { ...decided.heard(report, Date.now()), machines: [] };
        }),
      );
    try {
      const start = (i: number) => wire.startServer(i, wire.at(`leader-${i}.sock`));
      const answering = () => [...reports.values()].filter((report) => report.answers).map((report) => report.address);
      const first = start(0);
      await until('the first answers', () => answering().join() === '10.50.0.1');
      const second = start(1);
      await until('the second is known', () => reports.has('10.50.0.2'));
      const before = await wire.lease(UEFI);
      assert.deepEqual([before?.server, before?.file], ['10.50.0.1', 'snponly.efi']);
      await until('the leader has the lease', () => reports.get('10.50.0.1')?.leases[0]?.mac === MAC);

      first.kill('SIGKILL');
      reports.delete('10.50.0.1');
      await until('the second answers', () => answering().join() === '10.50.0.2');
      const moved = await wire.lease(IPXE);
      assert.deepEqual([moved?.server, moved?.address, moved?.file], ['10.50.0.2', before?.address, 'http://10.50.0.2:8480/boot.ipxe']);

      start(0);
      await until('the first is back, and stands by', () => reports.get('10.50.0.1')?.answers === false);
      assert.equal((await wire.lease(UEFI))?.server, '10.50.0.2');

      const [, far] = leaders;
      assert.ok(far !== undefined);
      endLeader(far);
      reports.delete('10.50.0.2');
      await until('the first answers again', () => answering().join() === '10.50.0.1');
      const back = await wire.lease(UEFI);
      assert.deepEqual([back?.server, back?.address], ['10.50.0.1', before?.address], 'and the other does not answer any more');
      assert.equal(second.exitCode, null);
    } finally {
      for (const one of leaders) endLeader(one);
    }
  });
});
