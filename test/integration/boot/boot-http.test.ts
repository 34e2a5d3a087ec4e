/** What any machine on a provisioning network may say to a boot server. */
import assert from 'node:assert/strict';
import type { AddressInfo, Server } from 'node:net';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { SeenMachine } from '../../../src/contracts/index.ts';
import { serveBoot } from '../../../src/boot/http.ts';
import { addressOf } from '../../../src/boot/index.ts';
import { quietLog } from '../../support/cluster/lab.ts';

describe('a boot server whose interface is not up yet', () => {
  it('fails, and not by wrong usage, after which its unit would not start it again', async () => {
    assert.equal(await addressOf('lo'), '127.0.0.1/8');
    await assert.rejects(addressOf('arp-nosuch0'), { kind: 'unavailable', message: /there is no interface arp-nosuch0 here: "ip link"/ });
  });
});

describe('the HTTP server for machines that boot', () => {
  const seen: SeenMachine[] = [];
  let server: Server;
  before(async () => {
    server = await serveBoot(
      { address: '127.0.0.1', port: 0 },
      {
        url: 'http://10.50.0.1:8480',
        image: { check: () => Promise.reject(new Error('not asked')), open: () => assert.fail('not asked') },
        hostOf: () => undefined,
        saw: (machine) => seen.push(machine),
        checkAddress: () => undefined,
        pass: () => Promise.reject(new Error('not asked')),
        now: () => 1,
        log: quietLog,
      },
    );
  });
  after(() => server.close());
  const asked = async (path: string): Promise<string> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    return await text(socket);
  };

  it('shows an operator’s terminal nothing that a terminal obeys', async () => {
    const said = await asked('/machine.ipxe?mac=52:54:00:12:34:56&serial=%1b]0;owned%07&product=%0aSERVER%09&firmware=efi');
    assert.match(said, /^HTTP\/1\.1 200 /);
    assert.equal(seen.length, 1);
    assert.doesNotMatch(JSON.stringify(Object.values(seen[0] ?? {}).join()), /\\/, 'nothing to escape');
    assert.doesNotMatch(said.split('\r\n\r\n')[1] ?? '', /[^\x20-\x7e\n]/);
  });

  it('refuses what is no path', async () => {
    assert.match(await asked('//'), /^HTTP\/1\.1 400 [\s\S]*"message":"the request has no path/);
  });
});
