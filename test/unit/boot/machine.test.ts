/** Which machine is which host, and what operators see of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { approvalFault, machineIds, machineOf, machinesShown, readMac, readSerial } from '../../../src/boot/machine.ts';

const record = (host: string, macs: readonly string[], serial?: string) => ({
  host,
  macs,
  atMs: 1,
  ...(serial !== undefined && { serial }),
});
const [ONE, TWO] = ['52:54:00:00:00:01', '52:54:00:00:00:02'];

describe('a machine that boots', () => {
  it('is known by its card in any spelling, and by no address of a group, of nothing or of a typing error', () => {
    for (const text of ['52:54:00:AB:cd:01', '52-54-00-ab-CD-01', '525400abcd01']) assert.equal(readMac(text), '52:54:00:ab:cd:01');
    for (const text of [
      '',
      '52:54:00:ab:cd',
      '52:54-00:ab:cd:01',
      '00:00:00:00:00:00',
      'ff:ff:ff:ff:ff:ff',
      '01:00:5e:00:00:01',
      '52:54:00:ab:cd:01:02',
      '52:54:00:ab:cd:0g',
    ])
      assert.equal(readMac(text), undefined, text);
  });

  it('is not known by what boards have in place of a serial number: two machines would be one host', () => {
    assert.equal(readSerial(' CZ-1234 '), 'cz-1234');
    for (const text of [
      '',
      '0',
      '0000000',
      'None',
      'Not Specified',
      'To Be Filled By O.E.M.',
      'Default string',
      'System Serial Number',
      '123456789',
      'xxxxxx',
      'a\nb',
    ])
      assert.equal(readSerial(text), undefined, text);
    assert.throws(() => machineIds({ serial: 'Not Specified' }), /--serial is "Not Specified": .*approve it by --mac/);
    assert.throws(() => machineIds({ macs: ['nonsense'] }), /--mac is "nonsense"/);
    assert.deepEqual(machineIds({ macs: [TWO, '52-54-00-00-00-01', ONE] }), { macs: [ONE, TWO] });
  });

  it('is a host by its card or its serial number, by both where both were approved, and by nothing where neither was', () => {
    const machines = [record('a', [ONE]), record('b', [], 'sn-2'), record('c', [TWO], 'sn-3'), record('d', [])];
    const hostOf = (mac: string, serial: string) => machineOf(machines, { mac, serial })?.host;
    assert.equal(hostOf(ONE, ''), 'a');
    assert.equal(hostOf('52:54:00:00:00:09', 'SN-2'), 'b');
    assert.equal(hostOf(TWO, 'SN-3'), 'c');
    assert.equal(hostOf(TWO, 'SN-4'), undefined, 'the card was put into another machine');
    assert.equal(hostOf('52:54:00:00:00:09', ''), undefined);
    assert.equal(hostOf('', ''), undefined);
  });

  it('is one host: another is refused with its name', () => {
    const machines = [record('a', [ONE], 'sn-1')];
    assert.match(approvalFault(machines, 'b', { macs: [TWO, ONE] }) ?? '', /host a is approved by 52:54:00:00:00:01 already/);
    assert.match(approvalFault(machines, 'b', { macs: [], serial: 'sn-1' }) ?? '', /by the serial number sn-1/);
    assert.equal(approvalFault(machines, 'a', { macs: [ONE] }), undefined);
    assert.equal(approvalFault(machines, 'b', { macs: [TWO] }), undefined);
  });

  it('is shown with its address and last boot, and a stranger is shown, too', () => {
    const seen = [
      { mac: TWO, serial: 'SN-2', product: 'R650', firmware: 'efi', atMs: 5 },
      { mac: '52:54:00:00:00:03', serial: '', product: '', firmware: 'pcbios', atMs: 6 },
    ];
    const leases = [{ mac: TWO, address: '10.50.0.150', name: '', untilMs: 9 }];
    const shown = machinesShown([record('b', [], 'sn-2'), record('a', [ONE])], seen, leases, (host) =>
      host === 'b' ? 'alive' : undefined,
    );
    assert.deepEqual(
      shown.map(({ host, state, address, bootedMs }) => [host, state, address, bootedMs]),
      [
        ['a', 'approved', undefined, undefined],
        ['b', 'alive', '10.50.0.150', 5],
        [undefined, 'stranger', undefined, 6],
      ],
    );
  });
});
