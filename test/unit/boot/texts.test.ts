/** What is written for dnsmasq, iPXE and the kernel, and read of them. dnsmasq itself reads its settings in test/integration/boot. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dnsmasqHosts, dnsmasqSettings, PROBE_MAC, readEvent, wireOf } from '../../../src/boot/dnsmasq.ts';
import { cpio } from '../../../src/boot/image/cpio.ts';
import { initrdModules, kernelWords, mmdebstrapArgs, packageNames } from '../../../src/boot/image/plan.ts';
import { readManifest } from '../../../src/boot/image/read.ts';
import { bootScript, firstScript, refusal, strangerLines } from '../../../src/boot/ipxe.ts';
import { discover, offerOf } from '../../../src/boot/net/dhcp-packet.ts';

const wire = wireOf({ interface: 'eth1', cidr: '10.50.0.1/24' });

describe('the network of machines that boot', () => {
  it('has the upper half for them unless a range is given, and what does not fit is refused with what would', () => {
    assert.equal(wire.range, '10.50.0.128-10.50.0.254');
    assert.equal(wireOf({ interface: 'eth1', cidr: '10.50.0.1/24', range: '10.50.0.9-10.50.0.20' }).range, '10.50.0.9-10.50.0.20');
    for (const [given, said] of [
      [{ range: '10.50.0.9' }, /--range is "10\.50\.0\.9": it is two addresses in 10\.50\.0\.0\/24/],
      [{ range: '10.50.0.20-10.50.0.9' }, /--range is/],
      [{ range: '10.50.0.1-10.50.0.9' }, /contains 10\.50\.0\.1, the address of this machine/],
      [{ range: '10.51.0.1-10.51.0.9' }, /--range is/],
      [{ gateway: '10.51.0.1' }, /--gateway 10\.51\.0\.1 is not in 10\.50\.0\.0\/24/],
      [{ gateway: 'router' }, /--gateway is "router"/],
      [{ dns: ['one.one'] }, /--dns is "one\.one"/],
      [{ cidr: '10.50.0.1/30' }, /8 addresses or more/],
    ] as const)
      assert.throws(() => wireOf({ interface: 'eth1', cidr: '10.50.0.1/24', ...given }), said);
  });

  it('gives iPXE its script and never another iPXE, whichever of its two marks it shows', () => {
    const settings = dnsmasqSettings(wire, '/d', 'http://10.50.0.1:8480').split('\n');
    for (const line of settings.filter((one) => one.startsWith('dhcp-boot=') && !one.includes('boot.ipxe')))
      assert.match(line, /,tag:!ipxe,/);
    for (const line of [
      'dhcp-match=set:ipxe,175',
      'dhcp-userclass=set:ipxe,iPXE',
      'dhcp-boot=tag:ipxe,http://10.50.0.1:8480/boot.ipxe',
      'port=0',
    ])
      assert.ok(settings.includes(line), line);
  });

  it('names approved machines, gives the address that was asked for where it is of this network, and is silent to our own question', () => {
    const machine = (host: string, mac: string, address?: string) => ({
      host,
      macs: mac.split(' '),
      atMs: 1,
      ...(address !== undefined && { address }),
    });
    const machines = [
      machine('a', '52:54:00:00:00:01 52:54:00:00:00:11', '10.50.0.60'),
      machine('b', '52:54:00:00:00:02', '10.9.0.60'),
      machine('c', '52:54:00:00:00:03'),
    ];
    assert.equal(
      dnsmasqHosts(machines, wire, ['52:54:00:00:00:03']),
      `52:54:00:00:00:01,52:54:00:00:00:11,10.50.0.60,a\n52:54:00:00:00:02,b\n${PROBE_MAC},ignore\n52:54:00:00:00:03,ignore\n`,
    );
  });

  it('is followed by the lines of dnsmasq', () => {
    assert.deepEqual(readEvent('dnsmasq-dhcp: DHCPACK(eth1) 10.50.0.150 52:54:00:12:34:56 db-3'), {
      kind: 'leased',
      mac: '52:54:00:12:34:56',
      address: '10.50.0.150',
    });
    assert.deepEqual(readEvent('dnsmasq-tftp: sent /d/tftp/snponly.efi to 10.50.0.150'), { kind: 'loader', address: '10.50.0.150' });
    assert.deepEqual(readEvent('dnsmasq-dhcp: DHCPDISCOVER(eth1) 52:54:00:12:34:56 no address available'), {
      kind: 'full',
      mac: '52:54:00:12:34:56',
    });
    assert.equal(readEvent('dnsmasq: started, version 2.90 DNS disabled'), undefined);
  });

  it('is asked for other DHCP servers: an offer of this question counts, and nothing else does', () => {
    const packet = discover(PROBE_MAC, 7);
    assert.equal(offerOf(packet, 7), undefined, 'a question');
    const answer = Buffer.from(packet);
    answer[0] = 2;
    answer.set([10, 50, 0, 77], 16);
    answer.set([53, 1, 2, 0, 54, 4, 10, 50, 0, 9, 255], 240);
    assert.deepEqual(offerOf(answer, 7), { server: '10.50.0.9', address: '10.50.0.77' });
    assert.equal(offerOf(answer, 8), undefined);
    assert.equal(offerOf(answer.subarray(0, 243), 7), undefined);
    assert.equal(offerOf(Buffer.concat([answer.subarray(0, 240), Buffer.from([53, 200])]), 7), undefined, 'cut short');
  });
});

describe('the scripts for iPXE', () => {
  it('begin with #!ipxe, and each way ends: none begins again', () => {
    const all = [
      firstScript('http://10.50.0.1:8480'),
      bootScript('db-3', '52:54:00:12:34:56', 'http://10.50.0.1:8480', { root: 'f'.repeat(64), words: [] }, 1_000),
      refusal(strangerLines('52:54:00:12:34:56', '')),
    ];
    for (const script of all) {
      assert.match(script, /^#!ipxe\n/);
      assert.match(script, /\nexit 1\n$/);
      assert.doesNotMatch(script, /goto (?!failed)|autoboot|boot\.ipxe/);
    }
  });

  it('say which root file system alone the kernel may take, and the time', () => {
    const script = bootScript(
      'db-3',
      '52:54:00:12:34:56',
      'http://10.50.0.1:8480',
      { root: 'ab'.repeat(32), words: ['console=ttyS0'] },
      1_795_982_400_000,
    );
    assert.match(
      script,
      new RegExp(
        `^kernel http://10\\.50\\.0\\.1:8480/image/vmlinuz initrd=initrd\\.img .*arpanet\\.root=${'ab'.repeat(32)} arpanet\\.clock=1795982400 BOOTIF=01-52-54-00-12-34-56 console=ttyS0 \\|\\|`,
        'm',
      ),
    );
  });

  it('show what a machine says of itself, and run none of it', () => {
    const script = refusal(strangerLines('52:54:00:12:34:56', '${shell} || shell\nshell & é'));
    assert.doesNotMatch(script, /\$\{|\|\||^shell/m);
  });
});

describe('the image', () => {
  it('has what was asked for and no word of the command line that is not plain or ours', () => {
    assert.deepEqual(kernelWords(' console=ttyS0,115200  quiet '), ['console=ttyS0,115200', 'quiet']);
    for (const text of ['a;b', 'arpanet.root=1', 'initrd=x', 'BOOTIF=1', '${x}'])
      assert.throws(() => kernelWords(text), /--cmdline has the word/);
    assert.throws(() => packageNames(['--evil']), /--include is "--evil"/);
    const args = mmdebstrapArgs('/r', packageNames(['openssh-server']), 'linux-image-amd64', ['http://mirror/debian']);
    assert.ok(args.some((arg) => /^--include=systemd-sysv,.*,openssh-server$/.test(arg)));
    assert.deepEqual(args.slice(-3), ['bookworm', '/r', 'http://mirror/debian']);
  });

  it('has an initrd with network cards, with all that these need, and without other drivers', () => {
    const lines = [
      'kernel/drivers/net/ethernet/intel/igb/igb.ko: kernel/drivers/dca/dca.ko kernel/drivers/i2c/i2c-algo.ko',
      'kernel/drivers/dca/dca.ko:',
      'kernel/drivers/i2c/i2c-algo.ko:',
      'kernel/drivers/net/virtio_net.ko: kernel/net/core/failover.ko',
      'kernel/net/core/failover.ko:',
      'kernel/fs/squashfs/squashfs.ko:',
      'kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko',
      'kernel/fs/jbd2/jbd2.ko:',
    ];
    assert.deepEqual(
      initrdModules(lines.join('\n')),
      lines
        .slice(0, 6)
        .map((line) => line.split(':')[0] ?? '')
        .toSorted(),
    );
  });

  it('is an archive as the kernel reads it', () => {
    const made = cpio([{ path: 'a', mode: 0o100644, content: Buffer.from('hello') }]);
    assert.equal(made.subarray(0, 6).toString(), '070701');
    assert.equal(made.length % 4, 0);
    assert.match(made.toString('latin1'), /a\0[\0]*hello[\s\S]*TRAILER!!!/);
  });

  it('is refused without a whole list of its files', () => {
    const files = Object.fromEntries(
      ['vmlinuz', 'initrd.img', 'root.squashfs'].map((name) => [name, { sha256: 'a'.repeat(64), bytes: 1 }]),
    );
    const whole = { version: '1', kernel: '6.1', madeMs: 1, words: [], files };
    assert.deepEqual(readManifest(JSON.stringify(whole), '/i'), whole);
    assert.throws(() => readManifest(undefined, '/i'), /there is no image in \/i: "arpanet boot build" makes one/);
    for (const text of ['', '{}', 'null', JSON.stringify({ ...whole, files: {} }), JSON.stringify({ ...whole, words: [1] })])
      assert.throws(() => readManifest(text, '/i'), /is no list of an image/, text);
  });
});
